// Reads a chart's values out of its own table, under the pointer and with the arrow keys.
// It listens on the document, so swapped charts need no set-up.
(() => {
  let chart, at = -1

  const drawing = figure => [...figure.querySelectorAll('svg[data-count]')].find(svg => svg.getClientRects().length)
  const x = ({ dataset: { x0, x1, count } }, i) => +x0 + (x1 - x0) * i / Math.max(1, count - 1)
  const texts = row => [...row.cells].map(cell => cell.textContent)
  const make = (tag, ...content) => {
    const made = document.createElement(tag)
    made.append(...content)
    return made
  }

  const clear = () => {
    chart?.querySelector('.chart-readout')?.replaceChildren()
    chart?.querySelectorAll('.cross').forEach(line => line.remove())
    chart = undefined
    at = -1
  }

  const show = (figure, svg, i) => {
    i = Math.max(0, Math.min(svg.dataset.count - 1, i))
    if (figure === chart && i === at && svg.querySelector('.cross')) return
    clear()
    chart = figure
    at = i
    const place = x(svg, i)
    const line = document.createElementNS(svg.namespaceURI, 'path')
    line.setAttribute('class', 'cross')
    line.setAttribute('d', `M${place} ${svg.dataset.y0}V${svg.dataset.y1}`)
    svg.append(line)

    const table = figure.querySelector('table')
    const [, ...names] = texts(table.tHead.rows[0])
    const [day, ...values] = texts(table.tBodies[0].rows[i])
    const keys = figure.querySelectorAll('.key')
    const readout = figure.querySelector('.chart-readout')
    readout.dataset.side = place > svg.viewBox.baseVal.width / 2 ? 'start' : 'end'
    readout.append(make('strong', day), ...values.map((value, s) => make('span', keys[s].cloneNode(true), names[s] + ' ',
      make('b', /\d/.test(value) ? `${value} ${figure.dataset.unit}` : value))))
  }

  const point = ({ target, clientX }) => {
    const plot = target.closest?.('.chart-plot')
    const svg = plot && drawing(plot.parentNode)
    if (svg) {
      const box = svg.getBoundingClientRect()
      const within = (clientX - box.left) * svg.viewBox.baseVal.width / box.width
      show(plot.parentNode, svg, Math.round((within - x(svg, 0)) / (x(svg, 1) - x(svg, 0) || 1)))
    } else if (chart !== document.activeElement) clear() // arrow keys keep theirs
  }
  document.addEventListener('pointermove', point)
  document.addEventListener('pointerdown', point)

  document.addEventListener('keydown', event => {
    const { target, key } = event
    const svg = target.matches('.chart[tabindex]') && !event.altKey && !event.ctrlKey && !event.metaKey && drawing(target)
    if (!svg) return
    const last = svg.dataset.count - 1, now = target === chart ? at : -1
    const to = { ArrowLeft: now < 0 ? last : now - 1, ArrowRight: now + 1, Home: 0, End: last }[key]
    if (to !== undefined) show(target, svg, to)
    else if (key === 'Escape') clear()
    else return
    event.preventDefault()
  })
  document.addEventListener('focusout', ({ target }) => target === chart && clear())
})()
