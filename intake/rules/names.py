"""What the names of people and organisations look like, as they are written on letters in four languages.

Only shapes and vocabulary: nothing here knows whether a name exists, or compares two people (see `people.name_key`).
"""

import re
import unicodedata

MOST_CHARACTERS = 80
MOST_WORDS = 8
# "De heer A. de Boer" has two words of title; "A. de Heer" has none, hence only at the start. In French "M." is
# Monsieur, elsewhere an initial: it counts as a title only before a whole first name and a surname ("M. Jean Dupont").
TITLE = re.compile(
    r"(?:(?:aan )?de (?:heer|hr\.?)|(?:de )?(?:weduwe|wed\.)|dhr\.?|hr\.|heer|mevrouw|mevr\.?|mw\.?|mej\.?|"
    r"familie|family|famille|fam\.?|fa\.|herrn?|frau|eheleute|mrs\.?|mr\.?|ms\.?|miss|sir|"
    r"madame|mme\.?|mademoiselle|mlle\.?|monsieur|mm\.|drs\.?|dr\.?|prof\.?|ir\.?|ing\.?|dipl\.-ing\.?|"
    r"m\.(?= (?!(?:van|von|de|den|der|du|des|la|le|ten|ter)\b)[^\W\d][^\W\d]+ [^\W\d]))"
    r"(?=\s|$)[\s,]*(?:(?:en|und|et|and|&)\s+(?=mevr|mw|frau|mme|mrs))?",
    re.IGNORECASE,
)
PARTICLES = frozenset(
    [
        "van",
        "von",
        "vom",
        "zu",
        "zum",
        "zur",
        "de",
        "den",
        "der",
        "des",
        "di",
        "da",
        "del",
        "della",
        "dos",
        "du",
        "le",
        "la",
        "les",
        "los",
        "ter",
        "ten",
        "te",
        "'t",
        "'s",
        "op",
        "in",
        "aan",
        "bij",
        "het",
        "het",
        "onder",
        "uit",
        "el",
        "al",
        "af",
        "d'",
        "la",
        "het",
        "ibn",
        "ben",
    ]
)
JOINING = frozenset(("en", "und", "et", "and", "&", "e/v", "c.s."))
SUFFIX = re.compile(r"(?:[\s,]+(?:jr|sr|junior|senior|msc|bsc|ma|mba|phd|llm|ra|rc|bba|md)\.?)+$", re.IGNORECASE)
LEGAL_FORM = re.compile(
    r"(?:^|\s)(?:B\.?\s?V\.?(?:\s?B\.?\s?A\.?)?|N\.\s?V\.?|NV|V\.?\s?O\.?\s?F\.?|VOF|C\.V\.|BVBA|CVBA|VZW|ASBL|SRL|SARL|"
    r"S\.\s?A\.?(?:\s?R\.?\s?L\.?)?|SA|SAS|EURL|SCI|GmbH(?:\s*&\s*Co\.?\s*KG)?|mbH|UG|KG|OHG|GbR|e\.\s?V\.?|e\.\s?K\.?|AG|"
    r"Ltd\.?|Limited|PLC|LLC|Inc\.?|LLP)(?=[\s,.]|$)"
)
ORGANISATION_WORD = re.compile(
    r"\b(?:stichting|vereniging|bakkerij|slagerij|kapsalon|garage|restaurant|caf[eé]|hotel|school|basisschool|gemeente|"
    r"kerk|parochie|praktijk|tandartspraktijk|advocaten(?:kantoor)?|makelaardij|installatiebedrijf|bedrijf|zorgcentrum|"
    r"verein|stiftung|bäckerei|metzgerei|gaststätte|gasthof|praxis|apotheke|kanzlei|rechtsanwälte|autohaus|firma|"
    r"association|fondation|boulangerie|boucherie|pharmacie|cabinet|mairie|paroisse|librairie|société|atelier|"
    r"\w*(?:verhuur|techniek|vereniging|bedrijf|advies|handel|service|verband|verlag|handlung)|"
    r"foundation|society|church|bakery|solicitors|company|vereinigung|club|sportvereniging|vve)\b",
    re.IGNORECASE,
)
# Words that stand alone on a line with a capital, as a name does, and are none.
NO_NAME = re.compile(
    r"\b(?:klantenservice|klantendienst|klachten\w*|afdeling|afd|customer|service|services|complaints?|department|"
    r"kundenservice|kundendienst|abteilung|beschwerde\w*|reklamation\w*|clients?|clientèle|réclamations?|"
    r"aangetekend\w*|persoonlijk|vertrouwelijk|einschreiben|persönlich|vertraulich|recommandée?|registered|"
    r"personal|confidential|bijlagen?|anlagen?|enclosures?|annexes?|pi[eè]ces?|kopie|copie|copy|"
    r"pagina|page|seite|blad|betreft|betreff|onderwerp|subject|objet|concerne|datum|date|tel|telefoon|telefon|phone|"
    r"e-?mail|iban|bic|kvk|btw|klantnummer|bestelnummer|ordernummer|factuur|invoice|rechnung|facture|"
    r"geachte|beste|dear|sehr|geehrte[rn]?|hallo|bonjour|bestelling|bestellung|order|commande|handtekening|"
    r"unterschrift|signature|hoogachtend|groet(?:en|jes)?|regards|sincerely|faithfully|grüßen|grüße|cordialement|"
    r"salutations|brief|letter|lettre|klacht|"
    r"r[eé]sidence|appartement|apartment|b[aâ]timent|gebäude|hinterhaus|vorderhaus|[eé]tage|verdieping|floor|flat|"
    r"huize|postbus|postfach|telefax|fax|website|www|mobiel|mobile|mobil|handy|herinnering|spoed|urgent)\b",
    re.IGNORECASE,
)
NAME_WORD = re.compile(
    r"(?:[A-ZÀ-ÞŁŠŽĞİŞČŘŚŻ](?:[^\W\d_]|['’.-])*|[dlO]['’][A-ZÀ-Þ](?:[^\W\d_]|[-])*|['’]t|['’]s)\.?,?"
)
SHORT_PARTICLE = re.compile(r"v\.?[/.]? ?d\.?|v\.|d\.|-")
INITIALS = re.compile(r"(?:[A-ZÀ-Þ][a-z]{0,2}\.-?)+|[A-ZÀ-Þ]")


def folded(text: str) -> str:
    """Without accents and case."""
    return "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))


def without_title(name: str) -> str:
    """The name without titles before it and suffixes after it."""
    bare = name.strip()
    while match := TITLE.match(bare):
        bare = bare[match.end() :]
    return SUFFIX.sub("", bare).strip(" ,")


def is_organisation(name: str) -> bool:
    """Whether a legal form or a word says that this is no person."""
    return bool(LEGAL_FORM.search(name) or ORGANISATION_WORD.search(name))


def looks_like_name(text: str) -> bool:
    """Whether a line has the shape of a person's name: capitals, initials and particles, and nothing else."""
    if len(text) > MOST_CHARACTERS or NO_NAME.search(text):
        return False
    bare = without_title(text)
    words = bare.split()
    if not 1 <= len(words) <= MOST_WORDS or not any(_is_whole(word) for word in words):
        return False
    return all(_is_name_word(word) for word in words)


def is_full_name(text: str) -> bool:
    """Whether it has a first name or initials and a surname, or a title: enough to stand for a name anywhere."""
    words = without_title(text).split()
    given = len(words) > 1 and words[0].lower() not in PARTICLES and not SHORT_PARTICLE.fullmatch(words[0].lower())
    return looks_like_name(text) and (given or bool(TITLE.match(text.strip())))


def _is_whole(word: str) -> bool:
    return sum(map(str.isalpha, word)) > 1 and not INITIALS.fullmatch(word)


def _is_name_word(word: str) -> bool:
    bare = word.lower()
    return bool(NAME_WORD.fullmatch(word) or SHORT_PARTICLE.fullmatch(bare)) or bare in PARTICLES or bare in JOINING
