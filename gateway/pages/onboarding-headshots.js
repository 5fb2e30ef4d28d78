// How far the headshots are, live, and the headshots themselves.
import { eventsOf } from './event-stream.js';

const words = { queued: 'Waiting for its turn', validate: 'Looking at your photos', detect: 'Finding your face', segment: 'Finding your outline', store: 'Almost there', done: 'Done' };

export function createHeadshots({ $, token, say, see, show, day }) {
  const shown = new Map();
  let watching = false;

  $('all').addEventListener('click', async () => {
    for (const link of document.querySelectorAll('#headshots a')) {
      link.click();
      // Browsers drop downloads that begin in the same moment.
      await pause(400);
    }
  });

  function titleOf({ status, progress }) {
    if (status === 'COMPLETED') return 'Your headshots are ready';
    return progress?.status === 'FAILED' ? 'Your headshots could not be made' : 'Your headshots are being made';
  }

  function apply({ status, progress, failure, organizationName, isDevelopment, keptUntil }) {
    const isReady = status === 'COMPLETED';
    const isOver = isReady || progress.status === 'FAILED';
    $('bar').hidden = isOver;
    $('stage').hidden = isOver;
    $('actions').hidden = !isReady;
    $('making-lead').textContent = isReady
      ? `${shown.size} pictures, which ${organizationName} sees too. Download those that you like: they are deleted on ${day(keptUntil)}.${isDevelopment ? ' They are a test, and marked as one.' : ''}`
      : isOver ? 'Please tell whoever invited you.' : 'This takes some minutes. You can close this page: the same link brings you back.';
    $('failure').textContent = isOver && failure ? failure.message : '';
    step(progress);
  }

  function step({ percent, stage, etaSeconds }) {
    $('bar').firstChild.style.width = `${percent}%`;
    $('bar').setAttribute('aria-valuenow', percent);
    const [, done, all] = /(\d+) of (\d+)/.exec(stage) ?? [];
    const what = done ? `Picture ${done} of ${all}` : words[stage] ?? 'Working on it';
    $('bar').setAttribute('aria-valuetext', `${percent} percent, ${what}`);
    $('stage').textContent = `${percent} %, ${what.toLowerCase()}${etaSeconds ? `, about ${etaSeconds < 90 ? `${Math.max(5, Math.ceil(etaSeconds / 5) * 5)} seconds` : `${Math.round(etaSeconds / 60)} minutes`} to go` : ''}`;
  }

  function picture({ id, urls, width, height }) {
    if (shown.has(id) || !urls) return;
    const here = (address) => new URL(address).pathname + new URL(address).search;
    const [item, frame, text, label, link] = ['li', 'div', 'div', 'span', 'a'].map((tag) => document.createElement(tag));
    const number = shown.size + 1;
    [frame.className, text.className, link.className] = ['frame', 'text', 'button'];
    const image = Object.assign(new Image(), { alt: `Headshot ${number}`, loading: 'lazy', sizes: '(max-width: 560px) 45vw, 270px', srcset: `${here(urls.thumbnail)} 320w, ${here(urls.main)} 1024w` });
    frame.append(image);
    frame.style.aspectRatio = `${width} / ${height}`;
    label.textContent = `Headshot ${number}`;
    Object.assign(link, { href: here(urls.main), download: `headshot-${number}.jpg`, textContent: 'Download' });
    link.setAttribute('aria-label', `Download headshot ${number}`);
    text.append(label, link);
    item.append(frame, text);
    $('headshots').append(item);
    shown.set(id, item);
  }

  /** Follows to the end, and then shows what is there. */
  async function follow(afterSeq) {
    if (watching) return;
    watching = true;
    const end = await lastOf(afterSeq);
    watching = false;
    show(end);
  }

  /** Server-sent events, read by hand: the token goes in the body. Taken up again behind the last number when the connection breaks. */
  async function lastOf(afterSeq) {
    for (let [last, wait] = [afterSeq, 1000]; ; wait = Math.min(wait * 2, 15_000)) {
      try {
        const response = await fetch('/onboarding/events', { method: 'POST', credentials: 'omit', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token, afterSeq: last }) });
        if (!response.ok) throw new Error(response.statusText);
        for await (const { data: event } of eventsOf(response)) {
          [last, wait] = [event.seq, 1000];
          step(event.progress);
          if (event.photo) {
            picture(event.photo);
            say(`Headshot ${shown.size} is ready.`);
          }
        }
      } catch {
        // The connection broke: what is there now is asked for below.
      }
      // What ended while nobody listened is not told again.
      const seen = await see().catch((error) => (error.code === 'NOT_FOUND' ? location.reload() : null));
      if (seen && isOver(seen)) return seen;
      await pause(wait);
    }
  }

  return {
    titleOf,
    show(seen) {
      // In the end the best come first.
      if (isOver(seen)) {
        shown.clear();
        $('headshots').replaceChildren();
      }
      for (const photo of seen.photos) picture(photo);
      apply(seen);
      if (seen.status === 'COMPLETED') say('Your headshots are ready.');
      if (!isOver(seen)) void follow(seen.progress.seq);
    },
  };
}

const isOver = ({ status, progress }) => status === 'COMPLETED' || progress.status === 'FAILED';
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
