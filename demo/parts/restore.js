// Takes settings from elsewhere: a link, this tab's memory, a picture, the strip of last results.
window.stylekernel.restore = (settings) => {
  props.value = { settings };
  trigger("apply");
};
window.stylekernel.goBack = ({ settings, value }) => {
  window.stylekernel.now = settings;
  props.value = { settings, view: value };
  trigger("back");
};
