// A camera: one picture after the other goes to the server, the next one when the last is back.
const SIDE = Number(element.querySelector("canvas").width);
const root = element.querySelector(".camera");
const canvas = element.querySelector("canvas");
const video = element.querySelector("video");
const button = element.querySelector(".start");
const hint = element.querySelector(".hint");
const rate = element.querySelector(".rate");
const small = document.createElement("canvas");
const WORDS = {
  NotAllowedError: "The camera was not allowed. Allow it for this page in the browser's settings, and start again.",
  NotFoundError: "No camera was found.",
  NotReadableError: "The camera cannot be used: perhaps another program uses it.",
};
let media = null;
let name = null;

const show = (state) => {
  root.dataset.state = state;
  button.textContent = state === "off" ? "Start the camera" : "Stop the camera";
  hint.textContent = { off: "The camera is off.", waiting: "The first picture comes soon.", on: "" }[state];
  if (state !== "on") rate.textContent = "";
};
const off = () => {
  media?.getTracks().forEach((track) => track.stop());
  media = name = video.srcObject = null;
  show("off");
};
const leave = () => {
  off();
  trigger("leave");
};
const start = async () => {
  window.stylekernel.hush();
  if (!navigator.mediaDevices?.getUserMedia) {
    return window.stylekernel.say("Browsers give the camera only to pages that come over https.");
  }
  show("waiting");
  try {
    media = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 }, facingMode: "user" } });
    video.srcObject = media;
    await video.play();
  } catch (error) {
    off();
    return window.stylekernel.say(WORDS[error.name] ?? `The camera cannot be used: ${error.message}`);
  }
  media.getTracks()[0].addEventListener("ended", leave);
  trigger("begin");
};
const picture = () => {
  const scale = Math.min(1, SIDE / Math.max(video.videoWidth, video.videoHeight));
  small.width = Math.round(video.videoWidth * scale);
  small.height = Math.round(video.videoHeight * scale);
  small.getContext("2d").drawImage(video, 0, 0, small.width, small.height);
  return new Promise((done) => { small.toBlob(done, "image/jpeg", 0.85); });
};
const draw = async (blob) => {
  const image = await createImageBitmap(blob);
  if (canvas.width !== image.width) canvas.width = image.width;
  if (canvas.height !== image.height) canvas.height = image.height;
  canvas.getContext("2d").drawImage(image, 0, 0);
};
const run = async (own) => {
  const address = new URL(`camera/${own}`, document.baseURI).href;
  let last = performance.now();
  let pace = 0;
  while (name === own && media) {
    if (!element.checkVisibility()) return leave();
    try {
      const answer = await fetch(address, { method: "POST", body: await picture() });
      if (name !== own) return;
      if (answer.status === 200) {
        await draw(await answer.blob());
        show("on");
        const now = performance.now();
        pace = pace ? 0.8 * pace + 0.2 * (now - last) : now - last;
        last = now;
        rate.textContent = `${(1000 / pace).toFixed(1)} pictures a second`;
      } else if (answer.status !== 204) return off();
    } catch {
      off();
      return window.stylekernel.say("The server cannot be reached. Please start the camera again.");
    }
  }
};
button.addEventListener("click", () => (media ? leave() : start()));
watch("value", () => {
  const given = props.value?.stream;
  if (!given || given === name || !media) return;
  name = given;
  run(given);
});
window.stylekernel.cameraOff = off;
