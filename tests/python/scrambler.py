"""A box that encrypts by libsrtp, before a plain phone: scrambler.py SUITE KEY HOST PHONE_PORT.

It says two ports: where the world sends SRTP to on HOST, and where the phone on HOST sends RTP to. Then it reads lines
`HOST PORT KEY`: to whom, and with which key that one sends. What libsrtp does not open does not reach the phone.
"""

import os
import select
import socket
import sys

from pylibsrtp import Error

from srtp import closer, opener


def bound(host):
    new = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    new.bind((host, 0))
    return new


def main(suite, key, host, phone_port):
    world, phone = bound(host), bound(host)
    print(world.getsockname()[1], phone.getsockname()[1], flush=True)
    closing, opening, remote, last, orders = closer(suite, key), None, None, None, b""
    while True:
        ready, _, _ = select.select([0, world, phone], [], [])
        if 0 in ready:
            said = os.read(0, 65536)
            if not said:
                return
            # What follows the last line end is not whole yet.
            *lines, orders = (orders + said).split(b"\n")
            # A provisional answer says the same as the final one.
            if lines and lines[-1] != last:
                last = lines[-1]
                remote_host, remote_port, their_key = last.decode().split()
                remote, opening = (remote_host, int(remote_port)), opener(suite, their_key)
        if world in ready:
            packet = world.recv(2048)
            try:
                packet = opening.unprotect(packet) if opening else None
            except Error:
                packet = None
            if packet:
                phone.sendto(packet, (host, int(phone_port)))
        if phone in ready:
            packet = phone.recv(2048)
            if remote:
                world.sendto(closing.protect(packet), remote)


main(*sys.argv[1:])
