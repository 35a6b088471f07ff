#!/usr/bin/env python3
"""Clients that are killed in the middle of an answer, as ClientStormTests has them, but light ones: what is measured is the daemon.

usage: client-kills.py VAI MODEL.gguf [WAVES]

Runs `VAI serve` (exact) on the model, with the ROM directory that VAI_ROM_DIR says. In each wave eight curl processes stream, and are
killed after 0.4 to 1.2 s; how long until the daemon and its engine have no request and no session of theirs is printed in ms, from the
kills and from when the kernel had ended them. A steady stream runs beside them, and its text must always be the same.
"""
import json, os, random, socket, statistics, subprocess, sys, tempfile, threading, time

program, model, waves = sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 125
place = tempfile.mkdtemp()
path = f"{place}/vai.sock"
log = open(f"{place}/log", "w+")
daemon = subprocess.Popen([program, "serve", "--model", f"a={model}", "--profile", "exact", "--ctx", "512", "--sram", "8192",
                           "--socket", path], stderr=log)


def body(prompt, tokens):
    return json.dumps({"model": "a", "prompt": prompt, "max_tokens": tokens, "stream": True, "seed": 1, "logit_bias": {"2": -100}})


def connect():
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(60)
    s.connect(path)
    return s


def status(s):
    s.sendall(b"GET /vai/status HTTP/1.1\r\nhost: vai\r\n\r\n")
    data = b""
    while b"}]}" not in data:
        data += s.recv(65536)
    return json.loads(data[data.index(b"{"):data.rindex(b"}") + 1])


texts, over = [], threading.Event()


def steady():
    while not over.is_set():
        answer = subprocess.run(
            ["curl", "-sN", "--unix-socket", path, "http://vai/v1/completions", "-H", "content-type: application/json", "-d", body("steady", 200)],
            capture_output=True, text=True).stdout
        texts.append("".join(json.loads(l[6:])["choices"][0]["text"] for l in answer.splitlines() if l.startswith("data: {")
                             and json.loads(l[6:])["choices"]))


def spread(name, values):
    values.sort()
    print(f"{name}: median {statistics.median(values):.1f} ms, p99 {values[len(values) * 99 // 100]:.1f} ms, max {values[-1]:.1f} ms")


try:
    until = time.monotonic() + 60
    while "stands by" not in open(log.name).read() or "Serving" not in open(log.name).read():
        assert time.monotonic() < until and daemon.poll() is None, open(log.name).read()
        time.sleep(0.1)
    asking = connect()
    status(asking)
    beside = threading.Thread(target=steady)
    beside.start()
    choice, kills, deaths = random.Random(5), [], []
    for wave in range(waves):
        clients = [subprocess.Popen(
            ["curl", "-sN", "--unix-socket", path, "http://vai/v1/completions", "-H", "content-type: application/json",
             "-d", body(f"client {wave:04d}{i}", 400)], stdout=subprocess.DEVNULL) for i in range(8)]
        time.sleep(choice.uniform(0.4, 1.2))
        killed = time.perf_counter()
        [c.kill() for c in clients]
        [c.wait() for c in clients]
        dead = time.perf_counter()
        while (now := status(asking))["activeRequests"] > 2 or now["models"][0]["openSessions"] > 1:
            time.sleep(0.004)
        kills.append((time.perf_counter() - killed) * 1e3)
        deaths.append((time.perf_counter() - dead) * 1e3)
    spread(f"{waves * 8} clients, from their kills", kills)
    spread("from when the kernel had ended them", deaths)
    over.set()
    beside.join()
    assert len(set(texts)) == 1 and texts[0], f"{len(set(texts))} different texts"
    print(f"{len(texts)} runs of the steady stream, all alike")
finally:
    daemon.terminate()
    daemon.wait()
