"""Closes or opens many RTP packets by libsrtp: bulk.py close|open SUITE.

Standard input: `key HEX`, then `packet HEX` for each packet with that key, then the next key. Standard output: one line
of hexadecimal digits for each packet.
"""

import base64
import sys

from srtp import closer, opener


def main():
    verb, suite = sys.argv[1:]
    for line in sys.stdin:
        word, text = line.split()
        data = bytes.fromhex(text)
        if word == "key":
            make = closer if verb == "close" else opener
            session = make(suite, base64.b64encode(data))
        else:
            print((session.protect(data) if verb == "close" else session.unprotect(data)).hex())


main()
