"""The PESQ score (ITU-T P.862, narrow band, MOS-LQO) of a WAV file beside what it should be: score.py REFERENCE DEGRADED."""

import sys
import wave

import numpy
import pesq


def samples(path):
    with wave.open(path) as wav:
        assert wav.getframerate() == 8000 and wav.getnchannels() == 1 and wav.getsampwidth() == 2, path
        return numpy.frombuffer(wav.readframes(wav.getnframes()), numpy.int16)


print(pesq.pesq(8000, samples(sys.argv[1]), samples(sys.argv[2]), "nb"))
