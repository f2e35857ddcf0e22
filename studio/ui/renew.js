// A page whose user was signed out asks whether they are signed in again, in another tab of this browser.
export default function ({ parentElement, setTriggerValue }) {
  let over = false;
  const ask = async () => {
    if (over || !parentElement.isConnected) return;
    const reply = await fetch("/account/ticket", { cache: "no-store" }).catch(() => null);
    if (reply?.ok) setTriggerValue("ticket", (await reply.json()).ticket);
    setTimeout(ask, 2000);
  };
  ask();
  return () => { over = true; };
}
