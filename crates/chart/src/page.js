'use strict';
// Zoom and pan by two transforms: time for all of the plot, price for what lies on candles.
// Shapes keep their lines' widths (non-scaling strokes); marks and names are scaled back.
const data = JSON.parse(document.getElementById('data').textContent);
const svg = document.querySelector('svg.aegis'), plot = svg.querySelector('.plot');
const [along, both, strip] = ['.along', '.both', '.strip'].map(name => svg.querySelector(name));
const read = document.getElementById('read'), NS = svg.namespaceURI;
const LEFT = +plot.getAttribute('x'), TOP = +plot.getAttribute('y');
const bars = data.bars, most = Math.max(0, ...bars.map(b => b[5]));
const end = data.width - (data.to - data.from) * data.step;
let from = data.from, count = data.to - data.from, low = data.low, high = data.high, grow = 1;

const small = [...svg.querySelectorAll('.plot [transform]')].map(shape => {
  const [x, y] = shape.getAttribute('transform').match(/-?[\d.]+/g).map(Number);
  const text = shape.tagName === 'text';
  const words = text ? shape.textContent.length * 6 : 0;
  const start = shape.classList.contains('ts') ? 0 : shape.classList.contains('te') ? 1 : 0.5;
  const flat = along.contains(shape);
  return { shape, x, y, text, words, start, flat, dy: +shape.getAttribute('dy') };
});

const step = () => (data.width - end) / count;
const x = bar => (bar - from + 0.5) * step();
const y = price => data.bottom - (price / 2 - low / 2) / (high / 2 - low / 2) * (data.bottom - data.top);
const own = price => data.bottom -
  (price / 2 - data.low / 2) / (data.high / 2 - data.low / 2) * (data.bottom - data.top);

function fit() {
  const seen = bars.slice(Math.max(0, Math.floor(from) - data.first), Math.ceil(from + data.width / step()) - data.first);
  if (!seen.length) return;
  low = Math.min(...seen.map(b => Math.min(b[1], b[2], b[3], b[4])));
  high = Math.max(...seen.map(b => Math.max(b[1], b[2], b[3], b[4])));
  grow = most / Math.max(...seen.map(b => b[5])) || 1;
  if (!isFinite(grow) || grow < 0) grow = 1;
  if (!(high / 2 - low / 2 > 0)) [low, high] = [data.low, data.high];
}

function draw() {
  fit();
  const sx = step() / data.step, tx = (data.from - from) * step();
  const one = own(low), two = own(high);
  const sy = (data.bottom - data.top) / (one - two), ty = data.top - two * sy;
  along.setAttribute('transform', `matrix(${sx} 0 0 1 ${tx} 0)`);
  strip.setAttribute('transform', `matrix(1 0 0 ${grow} 0 ${data.height * (1 - grow)})`);
  both.setAttribute('transform', `matrix(${sx} 0 0 ${sy} ${tx} ${ty})`);
  const taken = [], { y: head, height: room } = both.parentNode.viewBox.baseVal, foot = head + room;
  for (const { shape, x: px, y: py, text, words, start, flat, dy } of small) {
    // Names of times stand at their height, whatever the price does.
    shape.setAttribute('transform', `translate(${px} ${py}) scale(${1 / sx} ${flat ? 1 : 1 / sy})`);
    if (!text) continue;
    const layer = shape.classList[1];
    if (svg.classList.contains('off-' + layer)) continue;
    const left = px * sx + tx - words * start, top = (flat ? py : py * sy + ty) + dy - 9;
    const box = [left, top, left + words, top + 11];
    const free = left < data.width && left + words > 0 && (flat || top >= head && top + 9 < foot) && taken.every(o =>
      box[0] >= o[2] || o[0] >= box[2] || box[1] >= o[3] || o[1] >= box[3]);
    shape.classList.toggle('hid', !free);
    if (free) taken.push(box);
  }
  axes();
}

function element(parent, name, attributes, words) {
  const made = parent.appendChild(document.createElementNS(NS, name));
  for (const key in attributes) made.setAttribute(key, attributes[key]);
  if (words !== undefined) made.textContent = words;
  return made;
}

const price = (value, digits) =>
  Math.abs(value) >= 1e12 ? value.toExponential(3) : value.toFixed(digits);
const clock = ms => new Date(ms).toISOString().slice(0, 16).replace('T', ' ');

const date = ms => new Date(ms).toLocaleDateString('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });

function axes() {
  const grid = svg.querySelector('.grid'), prices = svg.querySelector('.prices');
  const times = svg.querySelector('.times'), right = LEFT + data.width;
  for (const group of [grid, prices, times]) group.replaceChildren();
  const raw = (high / 2 - low / 2) / Math.max(1, (data.bottom - data.top) / 46) * 2;
  if (raw > 0 && isFinite(raw)) {
    const unit = 10 ** Math.floor(Math.log10(raw));
    const size = [1, 2, 2.5, 5, 10].find(f => f * unit >= raw) * unit;
    const digits = Math.min(12, Math.max(0, -Math.floor(Math.log10(size)) + (size / unit === 2.5 ? 1 : 0)));
    for (let p = Math.ceil(low / size) * size, n = 0; p <= high && n < 64; p += size, n++) {
      element(grid, 'path', { d: `M${LEFT} ${Math.floor(TOP + y(p)) + 0.5}H${right}` });
      if (Math.abs(y(p) - y(bars[bars.length - 1][4])) > 14) element(prices, 'text', { x: right + 6, y: TOP + y(p) + 3.5 }, price(p, digits));
    }
  }
  const foot = TOP + data.height + 15;
  for (let i = Math.max(data.first, Math.ceil(from)), last = -1e9; i < Math.min(data.to, from + data.width / step()); i++) {
    const at = x(i), bar = bars[i - data.first], before = bars[i - data.first - 1];
    if (!before || at - last < 90) continue;
    const day = clock(bar[0]).slice(0, 10) !== clock(before[0]).slice(0, 10);
    if (!day && bar[0] % 3600000 && (bar[0] % 60000 || count > 60)) continue;
    last = at;
    element(grid, 'path', { class: day ? 'day' : '', d: `M${Math.floor(LEFT + at) + 0.5} ${TOP}V${TOP + data.height}` });
    element(times, 'text', { class: day ? 'day at' : 'at', x: LEFT + at, y: foot }, day ? date(bar[0]) : clock(bar[0]).slice(11));
  }
  element(times, 'text', { class: 'at', x: right + 36, y: foot }, 'UTC');
  const tag = svg.querySelector('.last');
  if (tag) tag.setAttribute('transform', `translate(0 ${y(bars[bars.length - 1][4]) - own(bars[bars.length - 1][4])})`);
}

function show(bar, span) {
  count = Math.min(Math.max(10, span), Math.max(10, data.to - data.first));
  from = Math.min(Math.max(data.first, bar), Math.max(data.first, data.to - count));
  queued ||= requestAnimationFrame(() => { queued = 0; draw(); });
}

let queued = 0;
const cross = element(svg, 'path', { class: 'cross' });
const inside = event => {
  const place = svg.getBoundingClientRect(), scale = svg.viewBox.baseVal.width / place.width;
  return [(event.clientX - place.left) * scale - LEFT, (event.clientY - place.top) * scale - TOP];
};
let drag = null;
svg.addEventListener('wheel', event => {
  event.preventDefault();
  const [px] = inside(event), under = from + px / step();
  if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    return show(from + Math.sign(event.deltaX || event.deltaY) * count / 12, count);
  }
  const span = count * (event.deltaY > 0 ? 1.2 : 1 / 1.2);
  show(under - px / (data.width - end) * span, span);
}, { passive: false });
svg.addEventListener('pointerdown', event => {
  drag = [inside(event)[0], from];
  svg.setPointerCapture(event.pointerId);
});
svg.addEventListener('pointerup', () => { drag = null; });
svg.addEventListener('pointermove', event => {
  const [px, py] = inside(event);
  if (drag) return show(drag[1] - (px - drag[0]) / step(), count);
  const n = Math.round(from + px / step() - 0.5), bar = bars[n - data.first];
  if (!bar || px < 0 || px > data.width || py < 0 || py > data.height) return leave();
  const [ms, o, h, l, c, v] = bar;
  cross.setAttribute('d', `M${LEFT + x(n)} ${TOP}v${data.height}M${LEFT} ${TOP + py}h${data.width}`);
  read.textContent = `${clock(ms)} UTC  #${n}  O ${o}  H ${h}  L ${l}  C ${c}  V ${v}`;
});
const leave = () => { cross.removeAttribute('d'); read.textContent = ''; };
svg.addEventListener('pointerleave', leave);
svg.addEventListener('dblclick', () => show(data.from, data.to - data.from));
document.getElementById('layers').addEventListener('change', event => {
  svg.classList.toggle('off-' + event.target.name, !event.target.checked);
  draw();
});
for (const box of document.querySelectorAll('#layers input')) svg.classList.toggle('off-' + box.name, !box.checked);
const off = [...document.querySelectorAll('#layers input')].map(box => `.off-${box.name} .${box.name}`);
if (off.length) document.head.appendChild(document.createElement('style')).textContent = `${off.join()}{display:none}`;
draw();
