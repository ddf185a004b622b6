// Errors stand beside the picture in words, instead of in a corner for some seconds.
(() => {
  const move = (toast) => {
    const texts = [...toast.querySelectorAll(".toast-message-text")];
    const words = texts.at(-1)?.innerText.trim();
    if (words && window.stylekernel.say(words)) toast.querySelector(".toast-close")?.click();
  };
  new MutationObserver((changes) => {
    for (const change of changes) {
      for (const node of change.addedNodes) {
        if (node.nodeType !== Node.ELEMENT_NODE) continue;
        const toast = node.closest(".toast-body.error") ?? node.querySelector(".toast-body.error");
        if (toast) requestAnimationFrame(() => move(toast));
      }
    }
  }).observe(document.documentElement, { subtree: true, childList: true });
})();
