"""The words by which second clocks are known, in four languages: how people set a term, and how they only speak of one.

Patterns look at one sentence on one line. Nothing is decided here; `intake.rules.clocks` does.
"""

import re

I = re.IGNORECASE  # noqa: E741 - as short as the patterns are long

NUMBERS = {
    **{"een": 1, "één": 1, "twee": 2, "drie": 3, "vier": 4, "vijf": 5, "zes": 6, "zeven": 7, "acht": 8, "negen": 9},
    **{"tien": 10, "veertien": 14, "eenentwintig": 21, "dertig": 30},
    **{"a": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9},
    **{"ten": 10, "fourteen": 14, "fifteen": 15, "twenty-one": 21, "thirty": 30},
    **{"ein": 1, "eine": 1, "einer": 1, "einem": 1, "eines": 1, "zwei": 2, "drei": 3, "fünf": 5, "sechs": 6},
    **{"sieben": 7, "neun": 9, "zehn": 10, "vierzehn": 14, "einundzwanzig": 21, "dreißig": 30},
    **{"un": 1, "une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "sept": 7, "huit": 8, "neuf": 9, "dix": 10},
    **{"quatorze": 14, "quinze": 15, "trente": 30},
}
WEEKDAY_NAMES = {
    name: number
    for names in (
        ("maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"),
        ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"),
        ("montag", "dienstag", "mittwoch", "donnerstag", "freitag", "samstag", "sonntag"),
        ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    )
    for number, name in enumerate(names)
}
UNITS = (
    (
        "business day",
        r"werkdag(?:en)?|(?:business|working) days?|(?:werk|arbeits)tage?n?|jours? (?:ouvr[ée]s?|ouvrables?)",
    ),
    ("hour", r"uur|uren|hours?|stunden?|heures?|h"),
    ("week", r"weken|weeks?|woche[n]?|semaines?"),
    ("month", r"maand(?:en)?|months?|monat(?:s|e|en)?|mois"),
    ("day", r"(?:kalender)?dag(?:en)?|(?:calendar )?days?|(?:kalender)?tage?n?|jours?(?: calendaires?)?"),
)
# By which a text in small letters is known to be worth a closer look.
TELLING = re.compile(
    r"(?:binnen|termijn|geef|within|giv(?:e|ing) you|you (?:now )?have|innerhalb|frist|gebe ihnen|sous|dans |délai|"
    r"laisse|donne|accorde|uiterlijk|vóór|voor |by |before|later than|the latest|bis |spätestens|vor dem|au plus tard|"
    r"avant|ici |tot |t/m|until|till|jusqu)[^.!?]{0,60}?"
    r"(?:\d|dag|day|tag|jour|wee?k|woche|semaine|maand|month|monat|mois|uur|uren|hour|stunde|heure|huitaine|quinzaine|"
    r"mittwoch|morgen|tomorrow|demain|dimanche|(?:lun|mar|mercre|jeu|vendre|same)di)"
)
_NUMBER = rf"(?P<number>\d{{1,3}}|{'|'.join(sorted(NUMBERS, key=len, reverse=True))})(?:\s*\(\w{{1,15}}\))?"
_UNIT = rf"(?P<unit>{'|'.join(pattern for _, pattern in UNITS)})\b"
_WITHIN = "|".join(
    (
        r"binnen(?: (?:een termijn van|de termijn van|maximaal|uiterlijk|nu en))?",
        r"termijn van(?: uiterlijk| maximaal)?",
        r"geef (?:u|jullie|ik u|ik jullie)(?: hierbij)?(?: nog| alsnog| uiterlijk)?",
        r"within(?: (?:the next|a period of|a maximum of|the coming))?",
        r"giv(?:e|ing) you(?: another| a further| a final| until)?|you (?:now )?have",
        r"(?:innerhalb|binnen)(?: (?:von|der nächsten|der kommenden|den nächsten|einer frist von|maximal))*",
        r"frist von|gebe ihnen(?: noch| hiermit| letztmalig)?",
        r"sous(?: un délai de)?|dans (?:un délai (?:maximum |maximal )?de|les|un délai maximum de)|(?:un )?délai de",
        r"(?:laisse|donne|accorde)(?: encore)?",
    )
)
SPAN = re.compile(rf"\b(?:{_WITHIN})\s+{_NUMBER}\s*{_UNIT}", I)
SPAN_IN_A_WORD = re.compile(r"\b(?:sous|dans la|d'ici)\s+(?:huitaine|quinzaine)\b", I)
# "binnen 14 dagen na levering" tells a right; "na ontvangst van deze brief" sets a term.
AFTER_ANOTHER_EVENT = re.compile(
    r"\s+(?:na|after|of|from|nach|ab|après|suivant|à compter de|de)\s+"
    r"(?:(?:de|the|der|dem|la|le|het|mijn|my|ma|mon)\s+|l['’])?"
    r"(?:levering|bezorging|aankoop|koop|ontvangst|bestelling|delivery|purchase|receipt|order|lieferung|kauf|erhalt|"
    r"bestellung|réception|livraison|achat|commande)\b"
    r"(?!\s+(?:van (?:deze|dit|mijn)|of (?:this|my)|diese[rs]|meine[rs]|de (?:la présente|ce|cette|mon|ma)))",
    I,
)
DAY_LEAD = re.compile(
    r"\b(?:uiterlijk(?: (?:op|tot|vóór|voor|per))?|vóór|voor|"
    r"by|before|(?:no|not) later than|at the latest (?:by|on)|"
    r"(?:bis )?spätestens(?: (?:bis(?: zum)?|zum|am))?|bis(?: spätestens)?(?: (?:zum|am))?|vor dem|"
    r"au plus tard(?: le)?|avant(?: le)?|d['’]ici(?: (?:le|au))?)\s+",
    I,
)
TILL_LEAD = re.compile(r"\b(?:tot(?: (?:en met|uiterlijk))?|t/m|until|till|jusqu['’]au|jusqu['’]à)\s+", I)
GIVEN = re.compile(
    r"\b(?:geef (?:ik )?(?:u|jullie)|(?:heeft|hebt) u|u (?:heeft|hebt|krijgt)|jullie (?:hebben|krijgen)|"
    r"giv(?:e|ing) you|you (?:now )?have|(?:laisse|donne|accorde)|vous avez)\b",
    I,
)
NEXT_DAY = re.compile(
    rf"(?:(?:aanstaande|a\.s\.|komende|next|coming|this|kommenden|nächsten|diesen|ce|le)\s+)?"
    rf"(?P<day>{'|'.join(WEEKDAY_NAMES)}|morgen|tomorrow|demain)\b",
    I,
)

# What makes a sentence a demand, and what makes it a tale of a promise, a policy, a right or an earlier demand.
DEMAND = {
    "nl": re.compile(
        r"\b(?:verzoek(?:t|en)?|sommeer|sommatie|eis(?:en)?|verwacht(?:en)?|verlang|wens|wil(?:len)?|graag|gelieve|stel|"
        r"(?:kunt|wilt|dient|moet|heeft|krijgt) u|u (?:dient|moet|heeft|krijgt)|geef|betaal|terugbetaling|"
        r"terug ?te ?betalen|stort|over ?te ?maken|laatste kans|in gebreke|ingebrekestelling|anders|zo ?niet|hoor|"
        r"reageer|reactie|antwoord|oplossing)\b",
        I,
    ),
    "en": re.compile(
        r"\b(?:request|require|demand|expect|want|would like|please|kindly|you must|give you|giving you|you have|"
        r"(?:can|could|will|would) you|refund me|repl(?:y|ies)|respond|response|hear|otherwise|"
        r"or I(?: will| shall|'ll)|failing|last chance|final|pay)\b",
        I,
    ),
    "de": re.compile(
        r"\b(?:ford(?:e)?re|fordern|fordert|erwarte|bitte|verlange|setze|frist|gebe|(?:erstatten|überweisen|zahlen|liefern|"
        r"nehmen|melden|antworten|können|würden) sie|andernfalls|ansonsten|sonst|nachfrist|letzte|wünsche|antwort|"
        r"rückmeldung)\b",
        I,
    ),
    "fr": re.compile(
        r"\b(?:demande|exige|veuillez|prie|merci de|attends|souhaite|mets en demeure|mise en demeure|somme|laisse|"
        r"donne|accorde|faute de|à défaut|sinon|sans réponse|réponse|remboursez|(?:devez|pouvez|pourriez)[- ]vous|"
        r"vous devez|dernier délai|dernière chance|vous avez)\b",
        I,
    ),
}
NO_DEMAND = {
    "nl": re.compile(
        r"\bzou(?:den)?\b(?! (?:ik |wij )?(?:graag|willen))|\b(?:beloofd|belooft|beloofde|toegezegd|volgens|staat|"
        r"stond|voorwaarden|bedenktijd|bedenktermijn|retourtermijn|retour\w*|terug ?te ?sturen|terugst\w+|omruil\w*|"
        r"levertijd|had|hadden|werd|werden|vakantie|bereikbaar|geldig|garantie|recht op|mag ik|kan ik|vermeld\w*|"
        r"aangegeven|afgesproken|verzocht|gevraagd|gesommeerd|gesteld|eerder|nodig)\b|\bsite\b|website",
        I,
    ),
    "en": re.compile(
        r"\b(?:promise[ds]?|supposed|should(?: have)?|said|says|stated?s?|advertis\w+|policy|cooling|entitled|told|"
        r"according|estimated|delivery time|ordered|return(?:ed|ing)? (?:it|them|the|my|this)|send (?:it|them) back|"
        r"asked|requested|gave|holiday|vacation|away|valid|warranty|guarantee\w*|right to|was|were|had|can I|may I)\b|"
        r"website|\bsite\b",
        I,
    ),
    "de": re.compile(
        r"\b(?:versprochen|zugesagt|sollten?|hätten?|hatten?|laut|angegeben|widerrufsfrist|widerrufsrecht|rückgabe\w*|"
        r"zurück(?:zu)?(?:schicken|senden|geben)|lieferzeit|hieß|agb|urlaub|verreist|gültig|garantie|wurden?|gebeten|"
        r"aufgefordert|gesetzt|kann ich|darf ich|anspruch|recht auf|web(?:seite|site))\b",
        I,
    ),
    "fr": re.compile(
        r"\b(?:promis\w*|devait|devaient|deviez|dû|selon|annonc\w+|rétract\w*|délai de livraison|prévue?s?|renvoyer|"
        r"renvoyé\w*|retourner|retourné\w*|conditions|vacances|absente?|valable|garantie|avais|avions|avait|"
        r"(?:ai|avons|avez) (?:déjà )?(?:demandé|écrit|dit|indiqué)|puis-je|droit (?:à|de)|site)\b",
        I,
    ),
}
YOU = re.compile(
    r"\b(?:(?:kunt|wilt|zou|kun|wil) (?:u|je|jullie)|(?:can|could|will|would) you|(?:können|würden|könnten) sie|"
    r"(?:pouvez|pourriez)[- ]vous)\b",
    I,
)
AUTHORITY = re.compile(
    r"\b(?:(?:mijn|onze|namens) cli[eë]nte?|(?:my|our) client|mein\w{0,2} mandant\w*|unser\w{0,2} mandant\w*|"
    r"(?:mon|notre) client|(?:ma|notre) cliente|verweerschrift|uw verweer|zienswijze|your (?:statement of )?defence|"
    r"your response to the complaint|stellungnahme|nehmen sie .{0,60}stellung|vos observations)\b",
    I,
)

# A withdrawal declared (CRD art. 11: any unequivocal statement), not asked about or threatened with.
WITHDRAWAL = {
    "nl": re.compile(
        r"\b(?:herroep|herroepen (?:ik|wij)|wil(?:len)? (?:[\w.-]+ ){0,6}(?:herroepen|annuleren|ontbinden)|"
        r"gebruik van (?:mijn|het|de|ons) (?:wettelijke? )?(?:herroepingsrecht|bedenktijd|recht op herroeping)|"
        r"(?:ik|wij|hierbij) (?:\w+ ){0,2}(?:ontbind|ontbinden|annuleer|annuleren)|(?:ontbind|annuleer) (?:ik|hierbij)|"
        r"zie(?:n)? (?:\w+ ){0,3}af van (?:de|mijn|deze) (?:koop|aankoop|bestelling|overeenkomst))\b",
        I,
    ),
    "en": re.compile(
        r"\b(?:(?:I|we)(?: am| are|'m|'re)? (?:hereby |now |would like to |wish to |want to |have decided to )?"
        r"(?:withdraw(?:ing)? from|cancel(?:l?ing)?) (?:\w+ ){0,3}(?:order|contract|purchase|sale|agreement)|"
        r"hereby (?:withdraw|cancel)|"
        r"exercis(?:e|ing) (?:my|our) (?:statutory )?right (?:of withdrawal|to (?:cancel|withdraw)))\b",
        I,
    ),
    "de": re.compile(
        r"\b(?:widerrufe|widerrufen wir|storniere|möchte (?:[\w.-]+ ){0,8}(?:widerrufen|stornieren)|"
        r"trete (?:\w+ ){0,4}(?:vom (?:kauf|kaufvertrag|vertrag)|zurück)|"
        r"mache (?:\w+ ){0,4}(?:von meinem )?widerrufsrecht gebrauch)\b",
        I,
    ),
    "fr": re.compile(
        r"\b(?:me rétracte|(?:souhaite|veux|décision de|désire) (?:\w+ ){0,3}me rétracter|"
        r"(?:exerce|exercer|user de) (?:\w+ ){0,2}(?:mon )?droit de rétractation|annule (?:ma|cette|la) commande|"
        r"(?:souhaite|veux|désire) annuler (?:ma|cette|la|mon) (?:commande|achat)|"
        r"renonce à (?:ma commande|mon achat)|notifie (?:\w+ ){0,6}rétractation)\b",
        I,
    ),
}
CONDITION = re.compile(
    r"\b(?:(?:als|indien|wanneer|tenzij) (?:ik|u|jullie|het|de|er|dit|dat|mijn|we|wij|deze)|anders|"
    r"if|unless|otherwise|wenn|falls|sofern|sonst|andernfalls|si|sinon)\b|\bs['’]il",
    I,
)
NEGATION = re.compile(r"\b(?:niet|geen|nooit|not|never|no|nicht|kein\w*|nie|pas|jamais)\b|n['’]t\b", I)

# "Welke gegevens heeft u nodig?" asks what to send, not what is held.
NO_REQUEST = frozenset(
    ("welke gegevens", "welke persoonsgegevens", "what data you", "which data you", "welche Daten", "quelles données")
)
NEEDS_DATA = re.compile(
    r"\b(?:gegevens .{0,40}nodig|nodig .{0,20}gegevens|data .{0,30}(?:need|require)|(?:need|require) .{0,20}data|"
    r"daten .{0,30}(?:benötig|brauch)\w*|données .{0,40}besoin|besoin .{0,20}données)",
    I,
)


def number_of(words: str) -> int:
    """`14` or `veertien` as a number."""
    return int(words) if words.isdigit() else NUMBERS[words.lower()]


def unit_of(words: str) -> str:
    """`werkdagen` as `business day`."""
    return next(name for name, pattern in UNITS if re.fullmatch(pattern, words, I))
