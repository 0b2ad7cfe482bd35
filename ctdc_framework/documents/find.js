(() => {
  const box = document.getElementById("find");
  const told = document.getElementById("found");
  const entries = [...document.querySelectorAll("article.variable")];
  const parts = [...document.querySelectorAll("#variables section.part")];
  const rows = [...document.querySelectorAll("[data-variable]")];
  const texts = new Map(entries.map((one) => [one, one.textContent.toLowerCase()]));

  const narrow = () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const one of entries) {
      one.hidden = !words.every((word) => texts.get(one).includes(word));
    }
    for (const one of rows) {
      one.hidden = document.getElementById(one.dataset.variable).hidden;
    }
    for (const one of parts) {
      one.hidden = !one.querySelector("article.variable:not([hidden])");
    }
    const left = entries.filter((one) => !one.hidden).length;
    told.textContent = words.length ? `${left} of ${entries.length} variables` : "";
  };

  // A link may lead to a variable that is not looked for: then everything is shown again.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target?.hidden) {
      box.value = "";
      narrow();
      target.scrollIntoView();
    }
  };

  document.getElementById("search").hidden = false;
  box.addEventListener("input", narrow);
  window.addEventListener("hashchange", reveal);
  narrow();
})();
