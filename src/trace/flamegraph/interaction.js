// What a flame graph does in a browser; svg.ts puts it into the file. Plain script, no imports.
(() => {
  const svg = document.documentElement;
  const side = 10;
  const letter = 7.2;
  const total = Number(svg.dataset.total);
  const detail = document.getElementById('detail');
  const matched = document.getElementById('matched');
  const search = document.getElementById('search');
  const input = search.querySelector('input');
  const boxes = [...document.querySelectorAll('#boxes > g')].map(group => ({
    group,
    rect: group.querySelector('rect'),
    text: group.querySelector('text'),
    about: group.querySelector('title').textContent,
    name: group.dataset.n,
    start: Number(group.dataset.s),
    weight: Number(group.dataset.w),
    depth: Number(group.dataset.d),
  }));
  let zoomed = boxes[0];

  /** A scroll bar at the side takes some of it. */
  const pageWidth = () => {
    const scrolls = Number(svg.getAttribute('height')) > window.innerHeight;
    return Math.max(600, window.innerWidth - (scrolls ? 16 : 0));
  };

  function draw() {
    const width = pageWidth();
    const height = svg.getAttribute('height');
    svg.setAttribute('width', width);
    svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
    matched.setAttribute('x', width - side);
    search.setAttribute('x', width - side - 212);
    const scale = (width - 2 * side) / Math.max(1, zoomed.weight);
    const end = zoomed.start + zoomed.weight;
    for (const box of boxes) {
      const isAbove = box.depth < zoomed.depth && box.start <= zoomed.start && box.start + box.weight >= end;
      const isInside =
        box.depth >= zoomed.depth && box.start >= zoomed.start && box.start + box.weight <= end;
      const x = isAbove ? side : side + (box.start - zoomed.start) * scale;
      const boxWidth = isAbove ? width - 2 * side : box.weight * scale;
      box.group.style.display = (isAbove || isInside) && boxWidth >= 0.3 ? '' : 'none';
      box.group.classList.toggle('faded', isAbove);
      box.rect.setAttribute('x', x);
      box.rect.setAttribute('width', Math.max(0.2, boxWidth - 0.5));
      box.text.setAttribute('x', x + 3);
      const room = Math.floor((boxWidth - 6) / letter);
      const fits = box.name.length <= room ? box.name : `${box.name.slice(0, room - 2)}..`;
      box.text.textContent = room < 3 ? '' : fits;
    }
  }

  /** Each place of the page counts once, however many of the boxes above one another match. */
  function find(pattern) {
    let matcher = null;
    try {
      matcher = pattern === '' ? null : new RegExp(pattern, 'i');
    } catch {
      matched.textContent = 'not a regular expression';
      return;
    }
    let covered = 0;
    let weight = 0;
    for (const box of boxes) {
      const isFound = matcher?.test(box.name) ?? false;
      box.group.classList.toggle('found', isFound);
      if (isFound && box.start >= covered) {
        weight += box.weight;
        covered = box.start + box.weight;
      }
    }
    matched.textContent =
      matcher === null ? '' : `matched: ${((100 * weight) / Math.max(1, total)).toFixed(1)} %`;
  }

  for (const box of boxes) {
    box.group.addEventListener('mouseenter', () => {
      detail.textContent = box.about;
    });
    box.group.addEventListener('mouseleave', () => {
      detail.textContent = '';
    });
    box.group.addEventListener('click', () => {
      zoomed = box;
      draw();
    });
  }
  input.addEventListener('input', () => find(input.value));
  window.addEventListener('resize', draw);
  window.addEventListener('keydown', event => {
    if (event.key === 'Escape') {
      input.value = '';
      input.blur();
      find('');
      zoomed = boxes[0];
      draw();
    } else if (event.key === '/' && document.activeElement !== input) {
      event.preventDefault();
      input.focus();
    }
  });
  draw();
})();
