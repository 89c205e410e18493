"""The lines a peer program reads and writes: what `benches/workloads/README.md` describes."""
import json
import resource
import sys
import time

import agreement


def refuse(why):
    """Says that this workload is beyond the library, and ends."""
    say({"ready": False, "why": str(why)})
    sys.exit(0)


def serve(implementation, version, backend, parameters, steps, values=None, pack=1):
    """Answers until the input ends. `steps(n)` does n packs of `pack` steps each, waits for all results, and returns the last one's loss,
    or its outputs. `values()` are the network's parameters, flat. For the check of agreement there is one batch and no answer."""
    if agreement.START:
        return agreement.write(steps, values)
    begun = time.perf_counter()
    steps(1)
    first = 1e6 * (time.perf_counter() - begun)
    ready = {"ready": True, "implementation": implementation, "version": version, "backend": backend}
    say(ready | {"parameters": parameters, "first_step_us": first})
    for line in sys.stdin:
        words = line.split()
        if words[:1] == ["warm"]:
            say(_warm(steps, float(words[1]), pack))
        elif words[:1] == ["round"]:
            say(_timed(steps, -(-int(words[1]) // pack), pack))
        elif words == ["end"]:
            break
        else:
            sys.exit(f"`{line.strip()}` is neither `warm SECONDS` nor `round N` nor `end`")
    say({"peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024})


def say(answer):
    print(json.dumps(answer), flush=True)


def _timed(steps, packs, pack):
    begun = time.perf_counter()
    steps(packs)
    taken = time.perf_counter() - begun
    return {"steps": packs * pack, "us_per_step": 1e6 * taken / (packs * pack)}


def _warm(steps, seconds, pack):
    begun, packs = time.perf_counter(), 0
    while packs * pack < 3 or time.perf_counter() - begun < seconds:
        steps(1)
        packs += 1
    taken = time.perf_counter() - begun
    return {"steps": packs * pack, "us_per_step": 1e6 * taken / (packs * pack)}
