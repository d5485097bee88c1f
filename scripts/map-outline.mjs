// Makes src/charts/map/world.txt: land and borders of the world for src/charts/map.rs.
//   node scripts/map-outline.mjs <folder of npm's world-atlas> > src/charts/map/world.txt
// world-atlas 2 holds Natural Earth 1:50m as TopoJSON: every stretch of coast or border is one arc, shared by its neighbours.
// A line of the result is `land` or `border`, a first place, then steps to the next ones: longitude and latitude in 1/100 degree.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const TOLERANCE = 1.5; // hundredths of a degree, about 1.5 km: what a map of one region still shows
const SMALLEST = 8; // islands of less than this area, in square hundredths of a degree, are dropped

const atlas = JSON.parse(readFileSync(join(process.argv[2], "countries-50m.json"), "utf8"));
const { scale, translate } = atlas.transform;

const arcs = atlas.arcs.map((steps) => {
  let x = 0, y = 0;
  return simplified(steps.map(([dx, dy]) => {
    x += dx; y += dy;
    return [(x * scale[0] + translate[0]) * 100, (y * scale[1] + translate[1]) * 100];
  }));
});

/** Douglas and Peucker 1973: keeps the ends, and what is farther than the tolerance from the line between kept places. */
function simplified(line) {
  const keep = new Set([0, line.length - 1]);
  const open = [[0, line.length - 1]];
  while (open.length > 0) {
    const [from, to] = open.pop();
    let farthest = 0, at = -1;
    for (let i = from + 1; i < to; i++) {
      const away = distance(line[i], line[from], line[to]);
      if (away > farthest) { farthest = away; at = i; }
    }
    if (farthest > TOLERANCE) { keep.add(at); open.push([from, at], [at, to]); }
  }
  return line.filter((_, i) => keep.has(i));
}

function distance([x, y], [ax, ay], [bx, by]) {
  const length = Math.hypot(bx - ax, by - ay);
  return length === 0 ? Math.hypot(x - ax, y - ay) : Math.abs((bx - ax) * (ay - y) - (ax - x) * (by - ay)) / length;
}

const arc = (id) => (id < 0 ? [...arcs[~id]].reverse() : arcs[id]);
const ring = (ids) => ids.flatMap((id, i) => arc(id).slice(i === 0 ? 0 : 1));
const polygons = (shape) => shape.type === "Polygon" ? [shape.arcs] : shape.type === "MultiPolygon" ? shape.arcs : (shape.geometries ?? []).flatMap(polygons);
const area = (line) => Math.abs(line.reduce((sum, [x, y], i) => {
  const [nx, ny] = line[(i + 1) % line.length];
  return sum + x * ny - nx * y;
}, 0) / 2);

function write(kind, line) {
  const whole = line.map(([x, y]) => [Math.round(x), Math.round(y)]);
  const numbers = [whole[0]];
  for (let i = 1; i < whole.length; i++) {
    const step = [whole[i][0] - whole[i - 1][0], whole[i][1] - whole[i - 1][1]];
    if (step[0] !== 0 || step[1] !== 0) numbers.push(step);
  }
  if (numbers.length > 1) console.log(`${kind} ${numbers.flat().join(" ")}`);
}

for (const rings of polygons(atlas.objects.land)) {
  for (const line of rings.map(ring)) if (area(line) >= SMALLEST) write("land", line);
}
const users = new Map();
for (const country of polygons(atlas.objects.countries)) {
  for (const id of new Set(country.flat().map((id) => (id < 0 ? ~id : id)))) users.set(id, (users.get(id) ?? 0) + 1);
}
for (const [id, count] of users) if (count > 1) write("border", arcs[id]);
