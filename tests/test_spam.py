"""What the servers say of spam, and what they only hint at."""

import pytest

from intake.reading.mail import read_mail
from intake.rules.spam import clean, spam_sign
from tests.builders import mail


def read(header: str):
    return read_mail(f"{header}\r\n".encode() + mail())


@pytest.mark.parametrize(
    "header",
    [
        "X-Spam-Flag: YES",
        "X-Spam-Status: Yes, score=12.3 required=5.0",
        "X-Spam: Yes",
        "X-Spam-Flag: NO\r\nX-Spam-Status: Yes, score=9",
        "X-Spamd-Result: default: True [16.20 / 15.00];\r\n\tBAYES_SPAM(5.10)[100%]",
        "X-Rspamd-Action: reject",
        "X-Rspamd-Action: add header",
        "X-Rspamd-Action: rewrite subject",
        "X-Barracuda-Spam-Flag: YES",
        "X-Proofpoint-Spam-Details: rule=inbound_spam policy=inbound score=100",
        "X-Proofpoint-Spam-Details: rule=spam policy=default",
        "X-Gm-Spam: 1",
        "X-MS-Exchange-Organization-SCL: 5",
        "X-MS-Exchange-Organization-SCL: 9",
        "X-Forefront-Antispam-Report: CIP:192.0.2.1;CTRY:NL;SCL:5;SFV:SPM;CAT:SPM;",
        "X-Forefront-Antispam-Report: SFV:SKS;",
        "X-Forefront-Antispam-Report: SFV:SKB;",
        "X-Forefront-Antispam-Report: SFV:BLK;",
        "X-Forefront-Antispam-Report: CIP:192.0.2.1;SCL:6;",
    ],
)
def test_a_verdict_is_seen(header: str) -> None:
    message = read(header)
    assert spam_sign(message)
    assert not clean(message)


@pytest.mark.parametrize(
    "header",
    [
        "X-Spam-Level: ************",
        "X-Spam-Score: 12.5",
        "X-Spam-Checker-Version: SpamAssassin 4.0",
        "X-Spam-Status: score=12 yes",
        "X-Rspamd-Action: greylist",
        "X-Proofpoint-Spam-Details: rule=notspam policy=default score=0",
        "X-MS-Exchange-Organization-SCL: 4",
        "X-MS-Exchange-Organization-SCL: x",
        "X-Forefront-Antispam-Report: SCL:-1;SFV:SKA;",
        "X-Forefront-Antispam-Report: SCL:-1;SFV:SKN;",
        "X-MS-Exchange-Organization-SCL: 6\r\nX-Forefront-Antispam-Report: SCL:-1;SFV:SKQ;",
        "X-Microsoft-Antispam: BCL:9;",
        "Subject: X-Spam-Flag: YES",
    ],
)
def test_what_is_no_verdict_sets_nothing_aside(header: str) -> None:
    assert spam_sign(read(header)) == ""


@pytest.mark.parametrize(
    "header",
    [
        "X-Spam-Status: No, score=-1.9",
        "X-Spam-Flag: NO",
        "X-Spam: no",
        "X-Spamd-Result: default: False [1.20 / 15.00]",
        "X-Rspamd-Action: no action",
        "X-MS-Exchange-Organization-SCL: 1",
        "X-MS-Exchange-Organization-SCL: 0",
        "X-MS-Exchange-Organization-SCL: -1",
        "X-Forefront-Antispam-Report: CIP:192.0.2.1;SCL:1;SFV:NSPM;",
        "X-Barracuda-Spam-Status: No, SCORE=0.00",
    ],
)
def test_a_clean_verdict_is_seen(header: str) -> None:
    assert clean(read(header))


@pytest.mark.parametrize("header", ["X-Mailer: a", "X-Spam-Level:", "X-Spam-Status: No\r\nX-Spam-Flag: YES"])
def test_no_verdict_is_not_a_clean_one(header: str) -> None:
    assert not clean(read(header))
