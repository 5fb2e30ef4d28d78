// The form on the first page: REST to send the photo and start, server-sent events to watch.
import { eventsOf } from './event-stream.js';

const $ = (id) => document.getElementById(id);
const { key, photo } = document.querySelector('main').dataset;
const chosen = new Set();
const most = 8;

$('key').value = key;
if (photo) showPhoto(photo);
$('file').addEventListener('change', () => {
  const [file] = $('file').files;
  if (file) showPhoto(URL.createObjectURL(file));
});
$('go').addEventListener('click', () => {
  generate().catch((error) => say(error.message)).finally(removeEmpty).finally(() => ($('go').disabled = false));
});
await loadCatalogue();

async function loadCatalogue() {
  const { data } = await post('/graphql', { query: '{ hairstyles(first: 100) { nodes { id description preview } } hairColors { id name } }' });
  for (const { id, name } of data.hairColors) $('color').append(new Option(name, id));
  // Neighbours in the alphabet look alike; ten apart, the first few are a cross-section.
  const varied = Array.from({ length: 10 }, (_, k) => data.hairstyles.nodes.filter((_, n) => n % 10 === (k + 5) % 10)).flat();
  for (const style of varied) $('styles').append(styleButton(style));
  for (const button of [...$('styles').children].slice(0, 4)) button.click();
}

function styleButton({ id, description, preview }) {
  const button = document.createElement('button');
  const image = Object.assign(new Image(), { src: new URL(preview).pathname + new URL(preview).search, alt: '', loading: 'lazy' });
  button.append(image, description);
  button.setAttribute('aria-pressed', 'false');
  button.dataset.name = description;
  button.addEventListener('click', () => {
    const isOneTooMany = !chosen.has(id) && chosen.size === most;
    if (!chosen.delete(id) && !isOneTooMany) chosen.add(id);
    if (!$('go').disabled) say(isOneTooMany ? `Choose at most ${most} styles.` : 'Choose styles and generate.');
    button.setAttribute('aria-pressed', String(chosen.has(id)));
  });
  button.id = `style-${id}`;
  return button;
}

function showPhoto(address) {
  Object.assign($('source'), { src: address, hidden: false });
}

// What was to be drawn and was not, whatever the reason.
function removeEmpty() {
  for (const figure of document.querySelectorAll('#results figure:not(:has(img))')) figure.remove();
}

async function generate() {
  if ($('source').hidden) throw new Error('Choose a photo first.');
  $('go').disabled = true;
  show(0);
  say('Sending the photo…');
  $('results').replaceChildren(...[...chosen].map(frame));
  const image = (await upload()).data.name;
  const body = { gender: 'person', styles: [...chosen], image_name: image, hair_colour: $('color').value || undefined };
  const { data } = await post('/api/v1/generation/hairstyle', body);
  await watch(data.id);
}

async function upload() {
  const [file] = $('file').files;
  const form = new FormData();
  if (file) form.append('file', file);
  else form.append('file', await (await fetch($('source').src)).blob(), 'demo.jpg');
  return answered(await fetch('/api/v1/images', { method: 'POST', body: form, headers: { 'x-api-key': $('key').value } }));
}

// EventSource cannot send a key, so the stream is read by hand, and taken up again behind the last number when it breaks.
async function watch(id) {
  let last = 0;
  for (let tries = 0; tries < 20; tries++) {
    try {
      const response = await fetch(`/api/v1/generation/${id}/events`, { headers: { 'x-api-key': $('key').value, 'last-event-id': String(last) } });
      for await (const event of eventsOf(response)) {
        last = event.data.seq;
        if (apply(event)) return;
      }
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

function apply({ name, data: { percent, stage, seq, image, failure } }) {
  show(percent);
  say(`Event ${seq}: ${stage}, ${percent} %`);
  if (image) $(`result-${image.style}`).append(Object.assign(new Image(), { src: image.url, alt: 'A finished picture' }));
  if (name === 'failed') say(`${failure.message} ${failure.refunded ? 'Your credits are back.' : ''}`);
  if (name === 'completed') say('All pictures are ready.');
  return ['completed', 'failed', 'canceled'].includes(name);
}

function frame(id) {
  const figure = document.createElement('figure');
  const caption = document.createElement('figcaption');
  caption.textContent = $(`style-${id}`).dataset.name;
  const box = document.createElement('div');
  box.className = 'frame';
  box.id = `result-${id}`;
  figure.append(box, caption);
  return figure;
}

async function post(path, body) {
  return answered(await fetch(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', 'x-api-key': $('key').value } }));
}

async function answered(response) {
  const body = await response.json();
  if (!response.ok) throw new Error(body.message ?? body.errors?.[0]?.message ?? response.statusText);
  return body;
}

function show(percent) {
  document.querySelector('.bar i').style.width = `${percent}%`;
  document.querySelector('.bar').setAttribute('aria-valuenow', percent);
}

function say(text) {
  $('status').textContent = text;
}
