"""The two ways to show an access token to a mail server, as SASL mechanisms. Values in, values out."""


class Bearer:
    """One exchange with a server, for `sasl_login`: the token first, and what the mechanism wants after a refusal.

    XOAUTH2 is Google's and Microsoft's own; OAUTHBEARER is RFC 7628. A server that refuses a token sends a challenge
    that says why, and waits for an answer before it says no: an empty one there, ^A here (section 3.2.3). The token
    is sent once only.
    """

    def __init__(self, mechanism: str, username: str, access_token: str) -> None:
        self.name = mechanism.upper()
        if self.name == "OAUTHBEARER":
            who = username.replace("=", "=3D").replace(",", "=2C")
            self._first, self._after = f"n,a={who},\1auth=Bearer {access_token}\1\1", "\1"
        else:
            self._first, self._after = f"user={username}\1auth=Bearer {access_token}\1\1", ""

    def __call__(self, _challenge: bytes) -> bytes:
        """What to answer to the server."""
        answer, self._first = self._first, self._after
        return answer.encode()
