// The last window of each policy, live, from the limiter's own ledger.

import { projectPath } from "../data/api.mjs";
import { bars, booked } from "../data/bars.mjs";
import { plain } from "../data/lossless.mjs";
import { number } from "../data/text.mjs";
import { Curl } from "../parts/curl.jsx";
import { Failure } from "../parts/failure.jsx";
import { useLive } from "../parts/live.mjs";
import { Empty, Loading } from "../parts/notice.jsx";
import { Panel } from "../parts/page.jsx";

const EVERY_MS = 2000;

export function Usage({ name, policies }) {
  const request = { as: "admin", path: `${projectPath(name)}/usage` };
  const { answer } = useLive(request, () => EVERY_MS);
  const usage = answer?.status === 200 ? plain(answer.tree.get("usage")) : undefined;
  return (
    <Panel title="Right now" note={usage && "Looks every two seconds, and costs no quota"}>
      {!answer && <Loading what="the last window" />}
      {answer?.status === 503 && (
        <Empty title="The limiter doesn't answer just now">
          <p>The console asks again by itself.</p>
        </Empty>
      )}
      {answer?.error && answer.status !== 503 && <Failure answer={answer} />}
      {usage && (
        <>
          <div class="usage">
            {policies.map(([policy, label]) => (
              <Policy key={policy} label={label} usage={usage[policy]} now_ms={answer?.now_ms} />
            ))}
          </div>
          <p class="note">
            Booked means leased to a place near the callers: some of it may go unspent, so that the requests were as
            many or a few less.
          </p>
        </>
      )}
      <Curl request={request} />
    </Panel>
  );
}

function Policy({ label, usage, now_ms }) {
  const { limit, window_seconds } = usage;
  const sum = booked(usage);
  const share = Math.min(1, sum / limit);
  return (
    <div class="policy">
      <h3>{label}</h3>
      <p>
        <strong class="figure">{number(sum)}</strong> of {number(limit)} booked in the last {window_seconds} s
      </p>
      <Bars
        heights={bars(usage, now_ms)}
        label={`${label}: ${sum} of ${limit} booked in the last ${window_seconds} seconds`}
      />
      <div class="axis" aria-hidden="true">
        <span>{window_seconds} s ago</span>
        <span>now</span>
      </div>
      <meter
        class="share"
        min={0}
        max={1}
        high={0.8}
        value={share}
        aria-label={`${label}: share of the limit that is booked`}
      >
        {Math.round(share * 100)} %
      </meter>
    </div>
  );
}

const [WIDTH, HEIGHT] = [240, 56];

function Bars({ heights, label }) {
  const most = Math.max(1, ...heights);
  const step = WIDTH / heights.length;
  return (
    <svg class="bars" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <line x1="0" x2={WIDTH} y1={HEIGHT - 0.5} y2={HEIGHT - 0.5} />
      {heights.map((height, i) => {
        const tall = (height / most) * (HEIGHT - 4);
        return (
          height > 0 && (
            <rect key={i} x={i * step + step * 0.1} width={step * 0.8} y={HEIGHT - 1 - tall} height={tall} rx="1" />
          )
        );
      })}
    </svg>
  );
}
