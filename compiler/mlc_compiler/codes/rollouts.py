"""6xx: steps, analyses and roll-back of a rollout."""

from __future__ import annotations

from mlc_compiler.codes.entry import Code

CODES: tuple[Code, ...] = (
    Code(
        "MLC601",
        "steps do not rise",
        "Each step of a canary sends more traffic to the new version than the one before; a step back is a "
        "roll-back, which the analysis decides on and not the plan.",
    ),
    Code(
        "MLC602",
        "last step is not 100",
        "A rollout ends with all traffic on the new version, or two versions would run for ever: the last "
        "weight is 100.",
    ),
    Code(
        "MLC603",
        "step without a hold",
        "A step that neither holds nor waits for an approval is passed at once: it watches nothing.",
    ),
    Code(
        "MLC604",
        "analysis without a bound",
        "An analysis needs `min` or `max`; without one it measures and can't fail, so that a bad version "
        "would be rolled out all the same.",
    ),
    Code(
        "MLC605",
        "analysis slower than its step",
        "The analysis measures less than once in a step's hold, or needs more failures than there are measurements, "
        "so that step can't be judged.",
    ),
    Code(
        "MLC606",
        "strategy without what it needs",
        "A canary needs steps, since they are the rollout; a shadow needs `mirror`, the share of requests "
        "that the new version gets a copy of.",
    ),
    Code(
        "MLC607",
        "online rollout of a batch model",
        "A rollout moves traffic from one version to another, and a batch model has none: its next run takes "
        "the version that is pinned. Gates are what protects it.",
    ),
    Code(
        "MLC608",
        "rollout that no target carries out",
        "A progressive strategy needs a target with a rollout controller. Without one the model would be replaced at "
        "once, and the steps and analyses of the spec would mean nothing.",
    ),
    Code(
        "MLC610",
        "healthy versions are sent back by chance",
        "Each measurement of a step is a small sample: of 60 requests a healthy version with 0.5 % errors "
        "shows one or more, which is above 1 %, in 26 % of the measurements. Over ten measurements with "
        "`failure_limit: 0` that sends back 95 % of all healthy versions. The probability is exact for "
        "requests that come at random at the stated rate (a Poisson number in each window, of which the "
        "failed ones are binomial); where windows overlap it is a lower bound. Healthy is `baseline`, else "
        "what the service promises (`slo.availability`, `serving.latency_p99`); latencies are taken to have "
        "an exponential tail through the stated quantile. A warning from 5 % on, an error from 50 % on. The "
        "help states the smallest failure limit and holds that send back at most 5 % and miss at most 20 %.",
    ),
    Code(
        "MLC611",
        "harmful versions are missed by chance",
        "A harmful version, by default one that shows twice `max` (state another in `harmful`), passes all "
        "steps too often: too few requests, too few measurements, or a failure limit that none but the worst "
        "reaches. A warning from 20 % on, an error from 50 % on. The help states the smallest failure limit "
        "and holds that decide well.",
    ),
    Code(
        "MLC612",
        "rollout stops for lack of data",
        "With `no_data: hold` one measurement without requests, with fewer than `min_requests`, or of a "
        "server that has not seen the 100 scores its drift index takes, holds the rollout until a person "
        "acts. At the stated traffic that happens to so many rollouts. Measure over a longer `interval`, send "
        "more, or choose `no_data: fail`.",
    ),
    Code(
        "MLC613",
        "traffic is not stated",
        "How many requests a measurement has, and with it how often chance decides the rollout, depends on "
        "the traffic. `traffic: {requests_per_second: ...}` is what to expect on average; an environment may "
        "override it.",
    ),
    Code(
        "MLC614",
        "repeated looks at a fixed-sample test",
        "An A/B test compares two versions by a test that is wrong in 5 % of single looks. Looking again at "
        "every interval and stopping at the first difference is wrong far more often: 19 % after 10 looks, 32 "
        "% after 50 (Armitage, McPherson and Rowe 1969). A sequential method holds its level at every look.",
    ),
    Code(
        "MLC615",
        "measurements overlap",
        "A measurement looks back four scrapes at least, one minute, since a rate over less can miss its two "
        "samples. Measured more often than that, several measurements in a row see the same requests, so one "
        "burst of errors counts as several failures.",
    ),
    Code(
        "MLC616",
        "healthy version is out of bounds",
        "`baseline` says what a healthy version shows, and `max` or `min` does not allow it: every version "
        "would be sent back.",
    ),
    Code(
        "MLC617",
        "harmful version is within bounds",
        "`harmful` says from where on a version must be caught, and `max` allows as much: such a version passes.",
    ),
    Code(
        "MLC618",
        "measurement of too few scrapes",
        "Prometheus computes a rate from the scrapes in a window: of fewer than two it returns nothing, and "
        "of fewer than four it misses its samples when one scrape fails. A target's `scrape_interval` is "
        "longer than the analysis allows for.",
    ),
    Code(
        "MLC619",
        "chance that is not known beforehand",
        "How often chance alone takes the mean of predictions out of bounds depends on how far they spread, which a "
        "run knows and a spec does not. Predictions that are right on average spread no more than labels do, so the "
        "figure is the most there can be; nothing is said where even that is small. Of a sequential test nothing is "
        "reckoned, because no target here carries one out.",
    ),
    Code(
        "MLC640",
        "way back is longer than promised",
        "From a breach to the last request that the bad version answers pass one window, `failure_limit` "
        "further intervals, and about 30 seconds until the scrape is in, the controller has acted and the "
        "route is changed. That is more than `rollback.within`. An error where `within` is stated, else a "
        "warning.",
    ),
    Code(
        "MLC641",
        "nothing watches while a step waits",
        "Analyses run while a step holds. One that waits for approval waits without end, and nothing measures "
        "the new version meanwhile; only an alert of the model's Monitor would call somebody. `mlc graph "
        "rollout MODEL` draws what leads back from each state.",
    ),
    Code(
        "MLC642",
        "automatic rollback without an analysis",
        "The rollout goes back by itself when an analysis fails, and there is none: only pods that never "
        "become ready would be noticed.",
    ),
    Code(
        "MLC643",
        "patch drops versions to go back to",
        "`rollback.keep` former versions stay deployable, which going back without the steps relies on; an "
        "environment's patch leaves fewer in the cluster's history.",
    ),
    Code(
        "MLC644",
        "live version loses what it reads",
        "Until a rollout has ended, and whenever it is rolled back, the former version answers requests. It needs its "
        "datasets, and an online snapshot as fresh as it was trained on. Versions that look up otherwise have a "
        "snapshot each, and the job of the pinned version, which is the next one from the merge on, even after an "
        "abort, rewrites those of former versions as well. It can't where it looks nothing up itself, runs less often, "
        "or has not the secret or the data files that they are made of. Expand, promote, then contract.",
    ),
)
