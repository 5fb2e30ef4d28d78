// The photos that a person sends: each has a tile that says how far it is and what was found.
const most = 20;
const atOnce = 2;
const limitBytes = 5 * 1024 * 1024;
/** Larger than what is kept of a photo it need not be sent. */
const longestSide = 2048;

export function createSelfies({ $, ask, say, counted }) {
  const tiles = new Map();
  const waiting = [];
  let sending = 0;
  let taken = 0;

  $('choose').addEventListener('click', () => $('files').click());
  $('take').addEventListener('click', () => $('shot').click());
  for (const id of ['files', 'shot']) {
    $(id).addEventListener('change', () => {
      add([...$(id).files]);
      $(id).value = '';
    });
  }
  // Where nobody holds the device in front of themselves, there is nothing to take a photo with.
  const isHeld = matchMedia('(pointer: coarse)').matches;
  $('take').hidden = !isHeld;
  $('drop-hint').hidden = isHeld;
  for (const name of ['dragenter', 'dragover']) addEventListener(name, (event) => { event.preventDefault(); $('drop').classList.add('over'); });
  for (const name of ['dragleave', 'drop']) addEventListener(name, (event) => { event.preventDefault(); if (name === 'drop' || event.relatedTarget === null) $('drop').classList.remove('over'); });
  addEventListener('drop', (event) => !$('photos').hidden && add([...event.dataTransfer.files]));

  function count() {
    const kept = [...tiles.values()].filter(({ selfie }) => selfie);
    return { all: kept.length, usable: kept.filter(({ selfie }) => selfie.isUsable).length, isSending: sending + waiting.length > 0, isFull: kept.length + sending + waiting.length >= most };
  }
  const changed = () => counted(count());

  function add(files) {
    const { all } = count();
    const room = most - all - sending - waiting.length;
    if (files.length > room) say(`Only ${Math.max(0, room)} more can be sent: 20 is the most.`);
    for (const file of files.slice(0, Math.max(0, room))) waiting.push(createTile(file));
    pump();
  }

  function pump() {
    while (sending < atOnce && waiting.length > 0) {
      const tile = waiting.shift();
      sending += 1;
      send(tile).catch((error) => refuse(tile, error)).finally(() => {
        sending -= 1;
        pump();
      });
    }
    changed();
  }

  async function send(tile) {
    tile.state('', 'Sending…');
    const blob = await prepare(tile.file);
    if (blob.size > limitBytes) throw Object.assign(new Error('The photo is over 5 MB. Please choose a smaller one.'), { code: 'TOO_LARGE' });
    const { uploadId, uploadUrl } = await ask('upload', { byteLength: blob.size });
    await put(uploadUrl, blob, tile);
    tile.state('', 'Looking at it…');
    const { selfie } = await looked(tile, { uploadId, name: tile.file.name });
    if (tile.isGone) {
      await ask('remove', { id: selfie.id });
    } else {
      tile.found(selfie);
      say(`${tile.name}: ${selfie.isUsable ? 'can be used.' : selfie.advice}`);
    }
  }

  /** Where many are looked at, one may not get its turn in time; and an answer may be lost on its way. What was sent is kept, and asked about again: the same upload gives the same selfie. */
  async function looked(tile, upload) {
    for (let tries = 1; ; tries++) {
      try {
        return await ask('add', upload);
      } catch (error) {
        const isLost = ['OFFLINE', 'INTERNAL'].includes(error.code);
        if (!(isLost || error.code === 'UNAVAILABLE') || tries === 5 || tile.isGone) throw error;
        tile.state('', isLost ? 'Connecting again…' : 'Still looking at it…');
        await new Promise((resolve) => setTimeout(resolve, 5000));
      }
    }
  }

  function refuse(tile, error) {
    if (tile.isGone) return;
    tile.state('bad', error.code === 'CONFLICT' ? 'Sent already' : error.code === 'OFFLINE' ? 'Not sent' : 'Not taken', error.message);
    tile.canRetry(['OFFLINE', 'UNAVAILABLE', 'INTERNAL', 'RATE_LIMITED'].includes(error.code));
    say(`${tile.name}: ${error.message}`);
  }

  function createTile(file, selfie = null) {
    const element = document.createElement('li');
    const [frame, text, verdict, advice, checks, buttons] = ['div', 'div', 'p', 'p', 'ul', 'div'].map((tag) => document.createElement(tag));
    const [load, remove, retry] = [document.createElement('div'), document.createElement('button'), document.createElement('button')];
    [frame.className, text.className, verdict.className, advice.className, checks.className, buttons.className, load.className] = ['frame', 'text', 'verdict', 'advice', 'checks', 'buttons', 'load'];
    load.append(document.createElement('i'));
    remove.type = retry.type = 'button';
    remove.className = retry.className = 'second';
    const number = ++taken;
    const tile = {
      file, selfie, isGone: false, name: file?.name ?? selfie?.name ?? `Photo ${number}`,
      state(kind, words, more = '') {
        element.className = kind;
        [verdict.textContent, advice.textContent] = [words, more];
        advice.hidden = more === '';
        load.hidden = kind !== '' || words === 'Waiting…';
        changed();
      },
      progress: (fraction) => (load.firstChild.style.width = `${Math.round(fraction * 100)}%`),
      found(given) {
        tile.selfie = given;
        picture(given.url);
        checks.replaceChildren(...given.checks.filter(({ result }) => result !== 'UNKNOWN').map(({ result, message }) => Object.assign(document.createElement('li'), { className: result, textContent: message })));
        tile.state(given.isUsable ? 'good' : 'bad', given.isUsable ? 'Can be used' : 'Cannot be used', given.advice ?? '');
      },
      canRetry: (may) => (retry.hidden = !may),
    };
    const picture = (address) => {
      const image = Object.assign(new Image(), { alt: tile.name });
      image.addEventListener('load', () => {
        const before = frame.querySelector('img');
        frame.prepend(image);
        if (!before) return;
        before.remove();
        URL.revokeObjectURL(before.src);
      });
      // The host may be known by several names; the page asks the one that it came from.
      image.src = address.startsWith('blob:') ? address : new URL(address).pathname + new URL(address).search;
    };
    remove.textContent = 'Remove';
    remove.setAttribute('aria-label', `Remove ${tile.name}`);
    remove.addEventListener('click', () => {
      take(tile, element).catch((error) => tile.state('bad', 'Not removed', error.message));
    });
    retry.textContent = 'Try again';
    retry.hidden = true;
    retry.addEventListener('click', () => {
      retry.hidden = true;
      waiting.push(tile);
      pump();
    });
    buttons.append(retry, remove);
    text.append(verdict, advice, checks, buttons);
    frame.append(load);
    element.append(frame, text);
    $('tiles').append(element);
    tiles.set(element, tile);
    if (selfie) tile.found(selfie);
    else {
      picture(URL.createObjectURL(file));
      tile.state('', 'Waiting…');
    }
    return tile;
  }

  async function take(tile, element) {
    tile.isGone = true;
    tile.request?.abort();
    if (tile.selfie) await ask('remove', { id: tile.selfie.id }).catch((error) => (error.code === 'NOT_FOUND' && error.message === 'No such photo' ? null : ((tile.isGone = false), Promise.reject(error))));
    const at = waiting.indexOf(tile);
    if (at >= 0) waiting.splice(at, 1);
    const next = element.nextElementSibling ?? element.previousElementSibling;
    element.remove();
    tiles.delete(element);
    say(`${tile.name} is removed.`);
    (next?.querySelector('.buttons button:last-child') ?? $('choose')).focus();
    changed();
  }

  return {
    count,
    show({ selfies }) {
      if (tiles.size === 0) for (const selfie of selfies) createTile(null, selfie);
      changed();
    },
    fault(error) {
      $('count').textContent = error.message;
      say(error.message);
      if (error.code === 'NOT_FOUND') location.reload();
    },
  };
}

/** The photo as it is sent: upright and no larger than what is kept, where the browser can read it; else as it is. */
async function prepare(file) {
  if (file.size < 1_500_000) return file;
  const image = await createImageBitmap(file).catch(() => null);
  if (!image) return file;
  const scale = Math.min(1, longestSide / Math.max(image.width, image.height));
  const canvas = Object.assign(document.createElement('canvas'), { width: Math.round(image.width * scale), height: Math.round(image.height * scale) });
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  image.close();
  const smaller = await new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.95));
  return smaller && smaller.size < file.size ? smaller : file;
}

/** By XMLHttpRequest, for it alone tells how much is sent. */
function put(address, blob, tile) {
  const url = new URL(address);
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    tile.request = request;
    const broken = () => reject(Object.assign(new Error('The connection broke. Please try again.'), { code: 'OFFLINE' }));
    request.upload.addEventListener('progress', ({ loaded, total }) => tile.progress(total > 0 ? loaded / total : 0));
    request.addEventListener('load', () => (request.status < 300 ? resolve() : request.status < 500 ? reject(Object.assign(new Error(request.responseText), { code: 'REFUSED' })) : broken()));
    for (const name of ['error', 'abort', 'timeout']) request.addEventListener(name, broken);
    request.open('PUT', url.pathname + url.search);
    request.send(blob);
  });
}
