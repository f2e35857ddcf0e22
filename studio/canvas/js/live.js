// What others do on the image: asked for every second, three times a second in company, and known after each save.
const ALONE = 1000, COMPANY = 300, TROUBLE = 2000; // ms between two requests

/** Ask time and again. `ask(body) -> reply` of POST /live, `body() -> {after, cursor, drawing}`, `onreply(reply)`,
 *  `ontrouble(sentence | null)`. Returns {soon() asks at once, company(people), stop()}. */
export function createLive({ ask, body, onreply, ontrouble }) {
  let timer = 0, running = false, stopped = false, again = false, others = false;

  const turn = async () => {
    clearTimeout(timer);
    if (running) return void (again = true);
    running = true;
    let pause = others ? COMPANY : ALONE;
    try {
      const reply = await ask(body());
      if (stopped) return;
      others = reply.people.length > 0;
      onreply(reply);
      ontrouble(null);
    } catch (error) {
      pause = TROUBLE;
      if (!stopped) ontrouble(error.message);
    }
    running = false;
    if (stopped) return;
    timer = setTimeout(turn, again ? 0 : document.hidden ? 5 * pause : pause);
    again = false;
  };
  turn();
  return {
    soon: turn,
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}

const KEEPALIVE = 60_000; // bytes that a browser still sends when its page is closed

/** POST JSON; the reply's JSON. Throws an Error whose message is a sentence, with `status` where there was an answer. */
export async function post(address, content) {
  const body = JSON.stringify(content);
  let reply;
  try {
    reply = await fetch(address, { method: "POST", body, cache: "no-store", keepalive: body.length < KEEPALIVE,
      headers: { "Content-Type": "application/json" } });
  } catch {
    throw new Error("the studio does not answer");
  }
  return answer(reply);
}

/** GET JSON, as `post`. */
export async function get(address) {
  let reply;
  try {
    reply = await fetch(address, { cache: "no-store" });
  } catch {
    throw new Error("the studio does not answer");
  }
  return answer(reply);
}

async function answer(reply) {
  const content = await reply.json().catch(() => ({}));
  if (reply.ok) return content;
  const why = reply.status === 401 ? "you are signed out: sign in again in another tab" :
    content.error ?? "the studio could not do this";
  throw Object.assign(new Error(why), { status: reply.status });
}
