"""SRTP by libsrtp, for judges: suites by their SDP names, keys in base64 as SDP has them."""

import base64

from pylibsrtp import Policy, Session
from pylibsrtp._binding import ffi

_PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AES_CM_128_HMAC_SHA1_32": Policy.SRTP_PROFILE_AES128_CM_SHA1_32,
    "AES_256_CM_HMAC_SHA1_80": Policy.SRTP_PROFILE_AES128_CM_SHA1_80,
    "AEAD_AES_128_GCM": Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    "AEAD_AES_256_GCM": Policy.SRTP_PROFILE_AEAD_AES_256_GCM,
}
SUITES = list(_PROFILES)
# libsrtp's SRTP_AES_ICM_256 and the bytes of its key and salt.
_AES_256 = (5, 46)


def _session(suite, key, direction):
    key = base64.b64decode(key)
    policy = Policy(key=key, ssrc_type=direction, srtp_profile=_PROFILES[suite])
    if suite.startswith("AES_256_CM"):
        # pylibsrtp has no name for this suite, libsrtp has: srtp_crypto_policy_t begins with these two.
        for part in (policy._policy.rtp, policy._policy.rtcp):
            fields = ffi.cast("uint32_t *", ffi.addressof(part))
            fields[0], fields[1] = _AES_256
    return Session(policy)


def opener(suite, key):
    """A session that opens what was made with `key`."""
    return _session(suite, key, Policy.SSRC_ANY_INBOUND)


def closer(suite, key):
    """A session that closes packets with `key`."""
    return _session(suite, key, Policy.SSRC_ANY_OUTBOUND)
