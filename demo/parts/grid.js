// Every painting on the visitor's photo, filled in as the pictures come.
const tiles = [...element.querySelectorAll(".tile")];
const show = () => {
  const pictures = props.value?.pictures ?? {};
  for (const tile of tiles) {
    const address = pictures[tile.dataset.title];
    const image = tile.querySelector("img");
    if (!address) image?.remove();
    else if (image) image.src = address;
    else tile.prepend(Object.assign(new Image(), { src: address, alt: "Your photo as" }));
  }
};
element.addEventListener("click", (event) => {
  const tile = event.target.closest(".tile");
  if (!tile) return;
  props.value = { ...props.value, taken: tile.dataset.title };
  trigger("take");
});
watch("value", show);
show();
