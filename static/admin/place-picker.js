// The map on which a place is chosen: a click sets the coordinates, arrow keys move the mark, typing moves it too.
(() => {
  const map = document.querySelector(".map[data-choosing]");
  const latitude = document.getElementById("f-latitude");
  const longitude = document.getElementById("f-longitude");
  if (!map || !latitude || !longitude) return;
  const plot = map.querySelector(".map-plot");
  const degree = Math.PI / 180;
  const mercator = (at) => Math.log(Math.tan(Math.PI / 4 + (Math.max(-84, Math.min(84, at)) * degree) / 2)) / degree;
  const around = (at) => ((((at + 180) % 360) + 360) % 360) - 180;
  const view = (svg) => ({
    centre: +svg.dataset.centre, middle: +svg.dataset.middle, scale: +svg.dataset.scale,
    width: svg.viewBox.baseVal.width, height: svg.viewBox.baseVal.height,
  });
  const shown = () => [...map.querySelectorAll("svg[data-scale]")].find((svg) => svg.getBoundingClientRect().width > 0);

  function place() {
    const [north, east] = [parseFloat(latitude.value.replace(",", ".")), parseFloat(longitude.value.replace(",", "."))];
    if (!Number.isFinite(north) || !Number.isFinite(east)) return;
    for (const svg of map.querySelectorAll("svg[data-scale]")) {
      const v = view(svg);
      const x = v.width / 2 + around(east - v.centre) * v.scale;
      const y = v.height / 2 - (mercator(north) - v.middle) * v.scale;
      svg.querySelector(".chosen")?.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    }
  }

  function choose(v, x, y) {
    const height = v.middle + (v.height / 2 - y) / v.scale;
    latitude.value = ((2 * Math.atan(Math.exp(height * degree)) - Math.PI / 2) / degree).toFixed(4);
    longitude.value = around(v.centre + (x - v.width / 2) / v.scale).toFixed(4);
    place();
  }

  map.classList.add("ready");
  plot.tabIndex = 0;
  plot.setAttribute("role", "application");
  plot.setAttribute("aria-label", pulseboard.say("Place on the map. Arrow keys move the mark."));
  plot.addEventListener("click", (event) => {
    const svg = event.target.closest("svg[data-scale]");
    if (!svg) return;
    const box = svg.getBoundingClientRect();
    const v = view(svg);
    choose(v, ((event.clientX - box.left) / box.width) * v.width, ((event.clientY - box.top) / box.height) * v.height);
  });
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
    const svg = shown();
    if (!step || !svg) return;
    event.preventDefault();
    const v = view(svg);
    const far = event.shiftKey ? 20 : 2;
    const mark = /translate\((-?[\d.]+) (-?[\d.]+)\)/.exec(svg.querySelector(".chosen").getAttribute("transform"));
    let [x, y] = [+mark[1], +mark[2]];
    if (x < 0 || y < 0 || x > v.width || y > v.height) [x, y] = [v.width / 2, v.height / 2];
    choose(v, x + step[0] * far, y + step[1] * far);
  });
  latitude.addEventListener("input", place);
  longitude.addEventListener("input", place);
  document.documentElement.classList.add("scripted");
})();
