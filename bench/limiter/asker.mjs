// A Worker that asks a limiter's object for so many milliseconds, so many times at once: Roster's, or the peers'
// counter.

export default {
  async fetch(request, env) {
    const { object, name, limit, windowMs, lease, atOnce, milliseconds } = await request.json();
    const stub = env[object].getByName(name);
    const asked = { Lease: { default: { limit, window_ms: windowMs }, cost: lease ? 0 : 1, lease } };
    const ask = {
      LIMITER: async () => JSON.parse(await stub.answer(JSON.stringify(asked))),
      COUNTER: () => stub.take(limit, windowMs),
    }[object];
    let asks = 0;
    const begun = Date.now();
    const asker = async () => {
      for (; Date.now() - begun < milliseconds; asks++) await ask();
    };
    await Promise.all(Array.from({ length: atOnce }, asker));
    return Response.json({ rate: (asks * 1000) / (Date.now() - begun), last: await ask() });
  },
};
