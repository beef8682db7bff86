"""A .glb, or a .vrma on an avatar, as three.js plays it in Chromium: ``read_three.py FILE RESULT.npz NODE [MODEL]``.

``NODE`` is the folder in which ``npm install three @pixiv/three-vrm @pixiv/three-vrm-animation`` was run, ``MODEL`` a
``.vrm``. Needs the package playwright, and a Chromium on the path.
"""

import http.server
import json
import shutil
import sys
import threading
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
file, result, node = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3])
model = Path(sys.argv[4]) if len(sys.argv) > 4 else None
SERVED = {"/": HERE / "read_three.html", "/file": file} | ({"/model": model} if model else {})


class Server(http.server.SimpleHTTPRequestHandler):
    """The page, the files, and the packages."""

    def translate_path(self, path: str) -> str:
        return str(SERVED.get(path, node / path.lstrip("/")))

    def guess_type(self, path: object) -> str:
        return {".js": "text/javascript", ".html": "text/html"}.get(Path(str(path)).suffix, "application/octet-stream")

    def log_message(self, *_: object) -> None:
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
with sync_playwright() as browsers:
    chromium = browsers.chromium.launch(
        executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
    )
    page = chromium.new_page()
    page.on("pageerror", lambda error: print(error, file=sys.stderr))
    page.goto(f"http://127.0.0.1:{server.server_address[1]}/")
    page.wait_for_function("window.ready")
    seen = page.evaluate("([file, model]) => window.read(file, model)", ["/file", "/model" if model else ""])
    chromium_version = chromium.version.split(".")[0]
    chromium.close()
server.shutdown()
names = [name for name in seen["frames"][0] if name in seen["rest"]]
program = f"three.js r{seen['three']}"
if model:
    package = node / "node_modules" / "@pixiv" / "three-vrm-animation" / "package.json"
    program = f"three-vrm {json.loads(package.read_text(encoding='utf-8'))['version']}, {program}"
np.savez(
    result,
    program=f"{program}, Chromium {chromium_version}",
    names=np.array(names),
    positions_m=np.array([[frame[name] for name in names] for frame in seen["frames"]]),
    rest_m=np.array([seen["rest"][name] for name in names]),
    fps=(len(seen["times"]) - 1) / (seen["times"][-1] - seen["times"][0]),
)
