"""The five measures of a GPU: VAI.Bench's own, a copy to the device beside them, the driver's word, and a SIGKILL. Prints as it goes, writes one JSON document."""

import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

SMALL, LARGE, HUGE = os.environ.get("VAI_GPU_SHAPES", "small qwen2-1.5b deepseek-6.7b").split()
ALL = ["--gpu-layers", "-1"]
report = {}


def model(shape, seed):
    path = f"{MODELS}/{shape}-{seed}.gguf"
    deadline = time.monotonic() + 300
    while not os.path.exists(path):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path} was not forged")
        time.sleep(1)
    return path


def vai(*args, limit=240):
    r = subprocess.run([VAI, *args, "--json"], env=ENVIRONMENT, capture_output=True, text=True, timeout=limit)
    if r.returncode != 0:
        raise RuntimeError(f"vai {' '.join(args)}: {r.stdout}{r.stderr[-2000:]}")
    return json.loads(r.stdout)


def step(name, measure):
    """What fails is said and leaves the rest."""
    started = time.monotonic()
    try:
        report[name] = measure()
    except Exception as e:  # noqa: BLE001
        report[name] = {"error": f"{type(e).__name__}: {e}"}
    print(f"{name} ({time.monotonic() - started:.0f} s): {json.dumps(report[name])}", flush=True)
    with open(OUT, "w") as f:
        json.dump(report, f, indent=2)


def vram():
    """Bytes in use on the device, as the driver says; None without one that does."""
    try:
        out = subprocess.run(["nvidia-smi", "--query-gpu=memory.used", "--format=csv,noheader,nounits"], capture_output=True, text=True, timeout=20)
        return int(out.stdout.split()[0]) << 20
    except (OSError, ValueError, IndexError):
        return None


def settled(baseline, limit=20):
    """VRAM once it is back, or what it is after the limit."""
    deadline = time.monotonic() + limit
    while baseline is not None and (now := vram()) > baseline and time.monotonic() < deadline:
        time.sleep(0.2)
    return vram()


def machine():
    gpu = subprocess.run("nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader; df -h /dev/shm | tail -1", shell=True, capture_output=True, text=True)
    doctor = subprocess.run([VAI, "doctor"], env=ENVIRONMENT, capture_output=True, text=True, timeout=120).stdout
    return {"gpu": gpu.stdout.strip(), "cores": os.cpu_count(), "doctor": [x for x in doctor.splitlines() if x.startswith(("device", "cpu kernels", "version"))]}


def first_use():
    """Kernels may be compiled in the first process: told apart, that no figure below has it."""
    t = time.monotonic()
    vai("run", model(SMALL, 1), "-p", "hello", "-n", "4", *ALL, limit=400)
    first = time.monotonic() - t
    t = time.monotonic()
    vai("run", model(SMALL, 1), "-p", "hello", "-n", "4", *ALL)
    return {"first_process_s": round(first, 2), "second_process_s": round(time.monotonic() - t, 2)}


def copy_rate(size):
    """GB/s of a plain copy to the device, from ordinary and from pinned memory."""
    try:
        import torch
    except ImportError:
        return None
    to = torch.empty(size, dtype=torch.uint8, device="cuda")
    result = {}
    for kind in ("pageable", "pinned"):
        source = torch.ones(size, dtype=torch.uint8, pin_memory=kind == "pinned")
        times = []
        for _ in range(5):
            torch.cuda.synchronize()
            t = time.monotonic()
            to.copy_(source)
            torch.cuda.synchronize()
            times.append(time.monotonic() - t)
        result[kind] = round(size / statistics.median(times) / 1e9, 2)
    del to
    torch.cuda.empty_cache()
    return result


def upload(shape):
    path = model(shape, 1)
    runs = [vai("run", path, "-p", "hello", "-n", "4", *ALL)["load_ms"] for _ in range(6)][1:]
    size = vai("plan", path, *ALL)["rom_bytes"]
    return {
        "rom_bytes": size,
        "load_ms": round(statistics.median(runs), 1),
        "load_gbps": round(size / statistics.median(runs) / 1e6, 2),
        "copy_gbps": subprocess_copy(size),
    }


def subprocess_copy(size):
    """In a process of its own: its context takes VRAM that the driver would count."""
    r = subprocess.run([sys.executable, __file__, "copy", str(size)], capture_output=True, text=True, timeout=120)
    return json.loads(r.stdout.splitlines()[-1]) if r.returncode == 0 else r.stderr[-300:]


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect(self.path)


def get(path, target):
    c = Connection(path)
    c.request("GET", target)
    r = c.getresponse()
    return r.status, r.read()


class Stream(threading.Thread):
    """One completion whose pieces have the time at which they came."""

    def __init__(self, path, name, prompt, tokens):
        super().__init__(daemon=True)
        self.args = (path, name, prompt, tokens)
        self.text, self.times, self.error = "", [], None

    def run(self):
        path, name, prompt, tokens = self.args
        try:
            c = Connection(path)
            c.request("POST", "/v1/completions", json.dumps(
                {"model": name, "prompt": prompt, "max_tokens": tokens, "temperature": 0, "stream": True, "logit_bias": {"2": -100}}),
                {"Content-Type": "application/json"})
            r = c.getresponse()
            for line in r:
                if line.startswith(b"data: {"):
                    body = json.loads(line[6:])
                    if "error" in body:
                        self.error = body["error"]
                    for choice in body.get("choices", []):
                        self.text += choice["text"]
                        self.times.append(time.monotonic())
        except Exception as e:  # noqa: BLE001
            self.error = repr(e)


def streams(path, name, tokens, kill=None):
    all_ = [Stream(path, name, f"stream {i} says", tokens) for i in range(4)]
    for s in all_:
        s.start()
    at = None
    if kill:
        deadline = time.monotonic() + 60
        while min(len(s.times) for s in all_) < 8 and time.monotonic() < deadline:
            time.sleep(0.005)
        at = time.monotonic()
        os.kill(kill, signal.SIGKILL)
    for s in all_:
        s.join(90)
    return all_, at


def sigkill(shape, profile="exact"):
    path = os.path.join(tempfile.mkdtemp(), "vai.sock")
    os.chmod(os.path.dirname(path), 0o700)
    baseline = vram()
    log = open(f"{MODELS}/serve.log", "w")
    # The first steps of a process may compile kernels: nobody is to be replaced for that.
    daemon = subprocess.Popen([VAI, "serve", "--socket", path, "--profile", profile, "--patience", "120", "--gpu-layers", "-1", "--model", f"a={model(shape, 1)}",
                               "--model", f"b={model(shape, 2)}"], env=ENVIRONMENT, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                if get(path, "/health")[0] == 200:
                    break
            except OSError:
                pass
            time.sleep(0.05)
        undisturbed, _ = streams(path, "a", 600)
        resident = vram()
        gaps, same, left, ended = [], 0, [], 0
        for _ in range(5):
            time.sleep(3)
            serving = json.loads(get(path, "/vai/status")[1])["workerId"]
            disturbed, at = streams(path, "a", 600, serving)
            ended += sum(1 for s in disturbed if s.error)
            same += sum(1 for s, u in zip(disturbed, undisturbed) if s.text == u.text)
            after = [min((t for t in s.times if t > at), default=None) for s in disturbed]
            left.append(sum(1 for t in after if t is None))
            gaps += [t - at for t in after if t is not None]
        time.sleep(3)
        return {
            "shape": shape, "profile": profile, "streams": 20, "same_text": same, "errors": ended, "without_a_token_after": sum(left),
            "next_token_ms_median": round(statistics.median(gaps) * 1e3, 1), "next_token_ms_max": round(max(gaps) * 1e3, 1),
            "vram_before": baseline, "vram_serving": resident, "vram_after_kills": vram(),
        }
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(40)
        report.setdefault("vram_after_exit", {})[shape] = {"before": baseline, "after": settled(baseline)}


def plan(shape):
    """The plan's KV and scratch, and what the driver sees of a process that holds the model: weights, KV, scratch and CUDA's own context."""
    path = model(shape, 1)
    p = vai("plan", path, *ALL, "--measure")
    device = [d for d in p["devices"] if not d["host"]]
    measured = [d for d in p["measured"]["devices"] if not d["host"]]
    return {"rom_bytes": p["rom_bytes"], "planned": device, "measured": measured, "driver_bytes": held(path), "driver_bytes_of_small": held(model(SMALL, 1)),
            "rom_bytes_of_small": vai("plan", model(SMALL, 1), *ALL)["rom_bytes"]}


def held(path):
    before = vram()
    if before is None:
        return None
    p = subprocess.Popen([VAI, "run", path, "-p", "hello", "-n", "1500", "--ctx", "2048", *ALL], env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most = before
    while p.poll() is None:
        most = max(most, vram())
    settled(before)
    return most - before


if sys.argv[1] == "copy":
    print(json.dumps(copy_rate(int(sys.argv[2]))))
    sys.exit()
VAI, MODELS, BACKEND, OUT = sys.argv[1:5]
ROMS = tempfile.mkdtemp(prefix="vai-gpu-", dir="/dev/shm")
ENVIRONMENT = dict(os.environ, VAI_ROM_DIR=ROMS)
report["backend"] = BACKEND
step("machine", machine)
step("first_use", first_use)
step("switch_small", lambda: vai("bench", "switch", model(SMALL, 1), model(SMALL, 2), "--rounds", "30", *ALL))
step("switch_large", lambda: vai("bench", "switch", model(LARGE, 1), model(LARGE, 2), "--rounds", "30", *ALL))
step("upload_large", lambda: upload(LARGE))
PARTS = ["--only", "single,batch,concurrent", "--sessions", "8", "--rounds", "3", *ALL]
step("pipeline_small", lambda: vai("bench", "pipeline", model(SMALL, 1), model(SMALL, 2), *PARTS))
step("pipeline_large", lambda: vai("bench", "pipeline", model(LARGE, 1), model(LARGE, 2), *PARTS))
step("sigkill", lambda: sigkill(LARGE))
step("plan_large", lambda: plan(LARGE))
step("upload_huge", lambda: upload(HUGE))
subprocess.run(["rm", "-rf", ROMS], check=False)
