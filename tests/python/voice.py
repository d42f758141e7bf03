"""A service that speaks by espeak-ng: voice.py PORT MOOD LOG.

GET /?text=TEXT&lang=LANG is answered with a WAV file that begins with "Ici le service.". The file MOOD may say `hang`
(no answer) or `rubbish` (a page instead of sound). Each request is a line of LOG.
"""

import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

PORT, MOOD, LOG = int(sys.argv[1]), sys.argv[2], sys.argv[3]


class Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        asked = parse_qs(urlsplit(self.path).query)
        text, lang = asked["text"][0], asked["lang"][0]
        with open(LOG, "a") as log:
            log.write(f"{self.headers['X-Key']} {lang} {text}\n")
        with open(MOOD) as mood:
            mood = mood.read().strip()
        if mood == "hang":
            time.sleep(600)
        elif mood == "rubbish":
            self.answer("text/html", b"<p>We are busy.</p>")
        else:
            espeak = ["espeak-ng", "-v", lang, "-s", "150", "--stdin", "--stdout"]
            said = subprocess.run(espeak, input=f"Ici le service. {text}".encode(), capture_output=True, check=True)
            self.answer("audio/wav", said.stdout)

    def answer(self, kind, body):
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


ThreadingHTTPServer(("127.0.0.1", PORT), Service).serve_forever()
