"""Opens by libsrtp what a capture has of SRTP, with the keys that its SIP over UDP tells: wire.py CAPTURE.

One line of JSON for each direction of each encrypted session.
"""

import json
import re
import subprocess
import sys

from pylibsrtp import Error

from srtp import opener

_FIELDS = ["ip.src", "udp.srcport", "ip.dst", "udp.dstport", "udp.payload"]
# Payload types that are packet types of RTCP (RFC 5761 4).
_RTCP = range(64, 96)
_RTP_HEADER = 12


def datagrams(capture):
    """Source, destination and payload of each, in order of time."""
    command = ["tshark", "-r", capture, "-Y", "udp && !icmp", "-T", "fields"]
    for field in _FIELDS:
        command += ["-e", field]
    read = subprocess.run(command, check=True, capture_output=True, text=True)
    for line in read.stdout.splitlines():
        source, source_port, target, target_port, payload = line.split("\t")
        yield (source, int(source_port)), (target, int(target_port)), bytes.fromhex(payload)


class Description:
    """Where its writer has its audio, and with which keys it sends."""

    def __init__(self, body):
        host = re.search(r"^c=IN IP4 (\S+)", body, re.M)
        port = re.search(r"^m=audio (\d+) ", body, re.M)
        self.address = (host[1], int(port[1]))
        keys = re.findall(r"^a=crypto:(\d+) (\S+) inline:([^\s|]+)", body, re.M)
        self.keys = {tag: (suite, key) for tag, suite, key in keys}


def sessions(packets):
    """Call-ID: the description of the caller and that of the answer."""
    found = {}
    for _, _, payload in packets:
        head, _, body = payload.partition(b"\r\n\r\n")
        head, body = head.decode(errors="replace"), body.decode(errors="replace")
        is_offer = head.startswith("INVITE ")
        is_answer = re.match(r"SIP/2.0 (183|2\d\d) ", head) and re.search(r"^CSeq: *\d+ INVITE", head, re.M | re.I)
        if (is_offer or is_answer) and re.search(r"^m=audio [1-9]", body, re.M):
            call = re.search(r"^(?:Call-ID|i): *(\S+)", head, re.M | re.I)[1]
            found.setdefault(call, {})[bool(is_answer)] = Description(body)
    return {call: (both[False], both[True]) for call, both in found.items() if len(both) == 2}


def stream(packets, sender, receiver, suite, key):
    """What went from one to the other, and how much of it that key opens."""
    session = opener(suite, key)
    counts = {"rtp": 0, "rtp_opened": 0, "rtcp": 0, "rtcp_opened": 0}
    audio = b""
    for source, target, payload in packets:
        is_rtcp = len(payload) > 1 and payload[1] & 0x7F in _RTCP
        ways = [(sender, receiver)]
        if is_rtcp:
            ways.append(((sender[0], sender[1] + 1), (receiver[0], receiver[1] + 1)))
        if (source, target) not in ways:
            continue
        kind = "rtcp" if is_rtcp else "rtp"
        counts[kind] += 1
        try:
            opened = session.unprotect_rtcp(payload) if is_rtcp else session.unprotect(payload)
        except Error:
            continue
        counts[kind + "_opened"] += 1
        if not is_rtcp:
            audio += opened[_RTP_HEADER:]
    return {**counts, "audio": audio.hex()}


def main(capture):
    packets = list(datagrams(capture))
    for call, (offer, answer) in sessions(packets).items():
        # The answer has the one line of the offer that was taken.
        for tag, (suite, key) in answer.keys.items():
            offered_suite, offered_key = offer.keys[tag]
            assert offered_suite == suite, (call, tag)
            for sender, receiver, used in [(offer, answer, offered_key), (answer, offer, key)]:
                found = stream(packets, sender.address, receiver.address, suite, used)
                print(json.dumps({"call": call, "port": sender.address[1], "suite": suite, "key": used, **found}))


main(sys.argv[1])
