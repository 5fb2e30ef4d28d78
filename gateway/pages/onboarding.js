// The page behind an invitation's link. What it may do, it may by the token of the link alone; nothing else is sent along.
import { createHeadshots } from './onboarding-headshots.js';
import { createSelfies } from './onboarding-selfies.js';

const query = new URLSearchParams(location.search);
const token = query.get('invite') ?? query.get('token') ?? '';
const $ = (id) => document.getElementById(id);
const sections = ['loading', 'gone', 'broken', 'welcome', 'photos', 'making'];
let shown = 'loading';

const selfies = createSelfies({ $, ask, say, counted });
const headshots = createHeadshots({ $, token, say, see: () => ask('see'), show, day });

$('again').addEventListener('click', () => location.reload());
$('name-form').addEventListener('submit', (event) => {
  event.preventDefault();
  begin().catch((error) => ($('name-fault').textContent = error.message));
});
$('complete').addEventListener('click', () => {
  complete().catch((error) => selfies.fault(error));
});
ask('see').then(show, (error) => fail(error));

/** One of the page's own addresses. Rejects with an Error that has a sentence to show, and the code of a refusal. */
async function ask(step, more = {}) {
  const response = await fetch(`/onboarding/${step}`, {
    method: 'POST', credentials: 'omit', cache: 'no-store', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ token, ...more }),
  }).catch(() => Promise.reject(Object.assign(new Error('The connection broke. Please try again.'), { code: 'OFFLINE' })));
  const body = await response.json().catch(() => ({ code: 'INTERNAL', message: 'Something went wrong. Please try again.' }));
  if (response.ok) return body;
  throw Object.assign(new Error(body.message), body);
}

/** What the person is asked for next, or sees. */
function show(seen) {
  const { organizationName, email, name, status, expiresAt } = seen;
  $('from').textContent = organizationName;
  if (status === 'PENDING') {
    $('invited').textContent = `${email ? `This invitation is for ${email}. ` : ''}It can be used until ${day(expiresAt)}.`;
    enter('welcome', 'You are invited to your headshots', 0);
  } else if (status === 'ACCEPTED' || status === 'UPLOADING') {
    $('kept-days').textContent = seen.selfiesKeptDays;
    selfies.show(seen);
    enter('photos', `Welcome, ${name}`, 1);
  } else {
    enter('making', headshots.titleOf(seen), 2);
    headshots.show(seen);
  }
}

function enter(section, title, step) {
  for (const id of sections) $(id).hidden = id !== section;
  $('title').textContent = title;
  document.title = title;
  $('steps').hidden = step === undefined;
  [...$('steps').children].forEach((item, index) => {
    item.classList.toggle('done', index < step);
    if (index === step) item.setAttribute('aria-current', 'step');
    else item.removeAttribute('aria-current');
  });
  // Whoever does not see the page hears where they are now.
  if (shown !== 'loading' && shown !== section) $('title').focus();
  if (shown !== section) scrollTo(0, 0);
  shown = section;
}

function fail(error) {
  if (error.code === 'NOT_FOUND') return enter('gone', 'This link is no longer valid');
  $('broken-why').textContent = error.message;
  enter('broken', 'That did not work');
}

async function begin() {
  $('name-fault').textContent = '';
  await ask('accept', { name: $('name').value }).catch((error) => (error.code === 'NOT_FOUND' ? fail(error) : Promise.reject(error)));
  if (shown === 'welcome') show(await ask('see'));
}

/** How many can be used, and whether that is enough. */
function counted({ all, usable, isSending, isFull }) {
  $('count').textContent = all === 0 ? 'No photos yet' : `${usable} of ${all} can be used${isFull ? '; 20 is the most' : ''}`;
  $('complete').disabled = usable < 1 || isSending;
  for (const id of ['choose', 'take']) $(id).disabled = isFull;
}

async function complete() {
  const { all, usable } = selfies.count();
  const left = all - usable;
  $('sure-text').textContent = `${usable === 1 ? 'One photo is' : `${usable} photos are`} used${left > 0 ? `; ${left} ${left === 1 ? 'is' : 'are'} not` : ''}. After that no photos can be added or removed.`;
  $('sure').returnValue = 'no';
  $('sure').showModal();
  await new Promise((resolve) => $('sure').addEventListener('close', resolve, { once: true }));
  if ($('sure').returnValue !== 'yes') return;
  $('complete').disabled = true;
  await ask('complete');
  show(await ask('see'));
}

function day(moment) {
  return new Date(moment).toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });
}

/** For those who hear the page. */
function say(text) {
  $('said').textContent = text;
}
