"""The words of the sample letters: invented people and places, and complaints of all the categories in four languages.

Only words; how they become a letter, and a letter a scan, is in `tests/letters.py`.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Country:
    """Where a sender lives. `code` is a postcode with # for a digit and @ for a letter; `street` and `box` are how a
    street and number are written; `phone` has # for a digit, and is valid whatever the digits are."""

    iso: str
    names: tuple[str, ...]
    streets: tuple[str, ...]
    places: tuple[tuple[str, str], ...]
    street: str
    additions: tuple[str, ...]
    phone: str


NETHERLANDS = Country(
    "NL",
    ("Nederland", "NEDERLAND", "The Netherlands"),
    (
        "Kerkstraat", "Dorpsweg", "Lange Voorhout", "Prinses Irenelaan", "Molenpad", "1e Jan Steenstraat",
        "Burgemeester van Rijnsingel", "Plein 1944", "'s-Gravenzandseweg", "Oude Gracht", "Van Goghstraat", "Hofje",
    ),
    (
        ("1017 @@", "Amsterdam"), ("3511 @@", "Utrecht"), ("9712 @@", "Groningen"), ("5211 @@", "'s-Hertogenbosch"),
        ("6821 @@", "Arnhem"), ("2513 @@", "Den Haag"), ("4811 @@", "Breda"), ("8911 @@", "Leeuwarden"),
        ("8017 @@", "Zwolle"), ("7411 @@", "Deventer"), ("2981 @@", "Ridderkerk"), ("2401 @@", "Alphen aan den Rijn"),
    ),
    "{street} {number}",
    ("", "", "", "a", "-2", " bis", " II", " hs"),
    "06-2912####",
)  # fmt: skip
FLANDERS = Country(
    "BE",
    ("België", "BELGIË"),
    ("Kapelstraat", "Stationsstraat", "Grote Markt", "Sint-Jansvest", "Leuvensesteenweg", "Molenheide"),
    (("3500", "Hasselt"), ("9000", "Gent"), ("2800", "Mechelen"), ("8500", "Kortrijk"), ("1930", "Zaventem")),
    "{street} {number}",
    ("", "", " bus 3", " bus 12", "A"),
    "0475 12 ## ##",
)
WALLONIA = Country(
    "BE",
    ("Belgique", "BELGIQUE"),
    ("rue de la Station", "avenue des Tilleuls", "place du Marché", "rue Haute", "chaussée de Dinant"),
    (("4000", "Liège"), ("5000", "Namur"), ("6000", "Charleroi"), ("1300", "Wavre"), ("7000", "Mons")),
    "{street} {number}",
    ("", "", " bte 4", " boîte 2"),
    "0475 12 ## ##",
)
GERMANY = Country(
    "DE",
    ("Deutschland", "DEUTSCHLAND"),
    ("Hauptstraße", "Am Alten Markt", "Bahnhofstr.", "Goethestraße", "Am Hang", "Straße des 17. Juni", "Ringweg"),
    (("48143", "Münster"), ("49074", "Osnabrück"), ("10115", "Berlin"), ("60311", "Frankfurt am Main"),
     ("49824", "Emlichheim"), ("88045", "Friedrichshafen"), ("01067", "Dresden")),
    "{street} {number}",
    ("", "", "a", " b", "-14"),
    "0151 2345####",
)  # fmt: skip
AUSTRIA = Country(
    "AT", ("Österreich", "ÖSTERREICH"), ("Hauptplatz", "Linzer Gasse", "Mariahilfer Straße"),
    (("1070", "Wien"), ("5020", "Salzburg"), ("8010", "Graz")), "{street} {number}", ("", "/4", "/12"), "0664 12#####",
)  # fmt: skip
FRANCE = Country(
    "FR",
    ("France", "FRANCE"),
    ("rue de la Paix", "avenue Victor-Hugo", "place de l'Église", "impasse des Lilas", "boulevard Carnot", "rue Basse"),
    (("59000", "Lille"), ("75011", "Paris"), ("69003", "Lyon"), ("67000", "Strasbourg"), ("06000", "Nice"),
     ("62200", "Boulogne-sur-Mer")),
    "{number}{comma} {street}",
    ("", "", " bis", " ter"),
    "06 12 34 ## ##",
)  # fmt: skip
LUXEMBOURG = Country(
    "LU", ("Luxembourg", "LUXEMBOURG"), ("rue de Strasbourg", "route d'Esch", "Grand-Rue"),
    (("L-1234", "Luxembourg"), ("L-4030", "Esch-sur-Alzette"), ("L-9053", "Ettelbruck")),
    "{number}{comma} {street}", ("",), "+352 621 12# ###",
)  # fmt: skip

COUNTRIES = {
    "nl": (NETHERLANDS, NETHERLANDS, NETHERLANDS, FLANDERS),
    "en": (NETHERLANDS, NETHERLANDS, FLANDERS, GERMANY),
    "de": (GERMANY, GERMANY, GERMANY, AUSTRIA),
    "fr": (WALLONIA, FRANCE, FRANCE, LUXEMBOURG),
}

SURNAMES = {
    "NL": (
        "de Boer",
        "Jansen",
        "van den Berg",
        "Visser",
        "Hofman-Prins",
        "Zijlstra",
        "van 't Hoff",
        "Kuiper",
        "Öztürk",
    ),
    "BE": ("Peeters", "Van den Broeck", "Claes", "De Smet", "Lambert", "Dubois", "Vermeulen"),
    "DE": ("Müller", "von Berg", "Schäfer", "Krüger", "Weiß", "Behrens", "Nowak"),
    "AT": ("Gruber", "Steiner", "Pichler"),
    "FR": ("Lefèvre", "Durand", "de La Tour", "Bénard", "Garcia", "Moreau"),
    "LU": ("Schmit", "Weber", "Hoffmann"),
}
FIRST_NAMES = {
    "nl": ("Anna", "Gerda", "Willem", "Fatima", "Joost", "Sanne", "Pieter"),
    "en": ("Emily", "James", "Olivia", "Peter"),
    "de": ("Wolfgang", "Ingrid", "Jürgen", "Katharina", "Björn"),
    "fr": ("Hélène", "Jean-Luc", "Camille", "François", "Amélie"),
}
TITLES = {
    "nl": ("", "", "", "Dhr. ", "Mevr. ", "De heer ", "Mw. "),
    "en": ("", "", "Mr ", "Mrs ", "Ms "),
    "de": ("", "", "Herr ", "Frau "),
    "fr": ("", "", "M. ", "Mme "),
}
ORGANISATIONS = {
    "nl": "Stichting De Linde",
    "en": "Northgate Tea Rooms B.V.",
    "de": "Blumen Sonnenschein GmbH",
    "fr": "Atelier du Canal SARL",
}


@dataclass(frozen=True)
class Words:
    """What a letter in one language says around the complaint."""

    sender: str
    to: str
    subject: tuple[str, ...]
    your_reference: str
    phone: str
    order: tuple[str, ...]
    about: str
    salutations: tuple[str, ...]
    openings: tuple[str, ...]
    stories: tuple[str, ...]
    demands: tuple[str, ...]
    closings: tuple[str, ...]
    attention: str
    enclosure: str


WORDS = {
    "nl": Words(
        "Afzender:", "Aan:", ("Betreft:", "Onderwerp:", "Betr.:"), "Uw kenmerk:", "Tel.",
        ("bestelnummer {}", "bestelling {}", "ordernummer {}"), "klacht over {}",
        ("Geachte mevrouw,", "Geachte heer, mevrouw,", "Beste Mirjam,", "L.S.,", "Geachte klantenservice,"),
        ("Hierbij dien ik een klacht in over mijn {}.", "Ik schrijf u over mijn {}, waarover ik niet tevreden ben.",
         "Drie weken geleden deed ik bij u een aankoop, {}."),
        ("Ik heb uw klantenservice al twee keer gebeld, maar daar kon niemand mij verder helpen.",
         "Op mijn e-mails van vorige week heb ik tot nu toe alleen een ontvangstbevestiging gekregen.",
         "Mijn buurvrouw kocht bij u hetzelfde en had nergens last van, dus ik had er alle vertrouwen in.",
         "Ik ben al jaren klant en dit is de eerste keer dat ik u een brief moet schrijven.",
         "Het ging om een cadeau voor de verjaardag van mijn dochter, en die is inmiddels voorbij."),
        ("Ik verzoek u binnen veertien dagen met een oplossing te komen.",
         "Graag hoor ik schriftelijk van u wat u hieraan gaat doen.",
         "Ik zie uw antwoord met belangstelling tegemoet."),
        ("Hoogachtend,", "Met vriendelijke groet,", "Met vriendelijke groeten,"), "t.a.v. Mirjam",
        "Bijlage: kopie van de factuur",
    ),
    "en": Words(
        "From:", "To:", ("Subject:", "Re:"), "Your reference:", "Phone",
        ("order number {}", "order {}", "order no. {}"), "complaint about {}",
        ("Dear Sir or Madam,", "Dear Mirjam,", "Dear customer service,", "To whom it may concern,"),
        ("I am writing to complain about my {}.", "I would like to raise a problem with my {}.",
         "Three weeks ago I bought something from your shop, {}."),
        ("I have telephoned your customer service twice, but nobody was able to help me any further.",
         "So far the only thing I have had in answer to my emails is an automatic confirmation.",
         "My neighbour bought the same from you and was very pleased, so I was looking forward to it.",
         "I have been a customer for years and this is the first time that I have had to write to you.",
         "It was meant as a present for my daughter's birthday, which has come and gone by now."),
        ("Please let me know within fourteen days how you are going to put this right.",
         "I would be grateful for an answer in writing.", "I look forward to hearing from you soon."),
        ("Yours sincerely,", "Yours faithfully,", "Kind regards,"), "Attn. Mirjam", "Enclosure: copy of the invoice",
    ),
    "de": Words(
        "Absender:", "An:", ("Betreff:", "Betr.:"), "Ihr Zeichen:", "Tel.:",
        ("Bestellnummer {}", "Bestellung {}", "Auftragsnummer {}"), "Beschwerde, {}",
        ("Sehr geehrte Damen und Herren,", "Sehr geehrte Frau Mirjam,", "Guten Tag,"),
        ("hiermit möchte ich mich über meinen Einkauf beschweren, {}.",
         "ich schreibe Ihnen wegen meines Einkaufs, {}.", "vor drei Wochen habe ich bei Ihnen eingekauft, {}."),
        ("Ihren Kundendienst habe ich bereits zweimal angerufen, dort konnte mir aber niemand weiterhelfen.",
         "Auf meine E-Mails habe ich bisher nur eine automatische Bestätigung erhalten.",
         "Meine Nachbarin hat bei Ihnen dasselbe gekauft und war sehr zufrieden, daher hatte ich großes Vertrauen.",
         "Ich bin seit Jahren Kundin und muss Ihnen heute zum ersten Mal einen Brief schreiben.",
         "Es sollte ein Geschenk zum Geburtstag meiner Tochter sein, der inzwischen vorüber ist."),
        ("Ich bitte Sie, mir innerhalb von vierzehn Tagen eine Lösung vorzuschlagen.",
         "Bitte antworten Sie mir schriftlich.", "Ich freue mich auf Ihre Antwort."),
        ("Mit freundlichen Grüßen", "Hochachtungsvoll", "Freundliche Grüße"), "z. Hd. Mirjam",
        "Anlage: Kopie der Rechnung",
    ),
    "fr": Words(
        "Expéditeur :", "À :", ("Objet :", "Concerne :"), "Votre référence :", "Tél.",
        ("commande n° {}", "numéro de commande {}", "commande {}"), "réclamation, {}",
        ("Madame, Monsieur,", "Chère Madame,", "Bonjour,", "Madame,"),
        ("Je vous écris au sujet de mon achat, {}.", "Je souhaite vous faire part d'une réclamation, {}.",
         "Il y a trois semaines, j'ai acheté un article chez vous, {}."),
        ("J'ai déjà téléphoné deux fois à votre service clientèle, mais personne n'a pu m'aider.",
         "À mes courriels, je n'ai reçu jusqu'ici qu'une confirmation automatique.",
         "Ma voisine a acheté le même article chez vous et en est très contente, j'avais donc toute confiance.",
         "Je suis cliente depuis des années et c'est la première fois que je dois vous écrire.",
         "C'était un cadeau pour l'anniversaire de ma fille, qui est passé depuis."),
        ("Je vous prie de me proposer une solution dans les quatorze jours.", "Merci de me répondre par écrit.",
         "Dans l'attente de votre réponse, je reste à votre disposition."),
        ("Je vous prie d'agréer, Madame, Monsieur, l'expression de mes salutations distinguées.", "Cordialement,",
         "Veuillez agréer mes salutations distinguées."), "À l'attention de Mirjam",
        "Annexe : copie de la facture",
    ),
}  # fmt: skip

COMPLAINTS = {
    "counterfeit": {
        "nl": "De tas die ik kreeg is namaak, en het merk zelf bevestigt dat hij niet echt is.",
        "en": "The handbag that I received is a fake: the label is crooked and the maker says it is counterfeit.",
        "de": "Die Tasche, die ich bekam, ist eine Fälschung, wie mir der Hersteller selbst bestätigt hat.",
        "fr": "Le sac que j'ai reçu est une contrefaçon, comme le fabricant lui-même me l'a confirmé.",
    },
    "privacy": {
        "nl": "Ik ontvang nog steeds uw nieuwsbrief, terwijl ik mij volgens de AVG heb afgemeld voor alle reclamemail.",
        "en": "You keep sending me your newsletter although I asked you to delete my personal data under the GDPR.",
        "de": "Ich erhalte weiterhin Ihren Newsletter, obwohl ich die Löschung meiner Daten verlangt habe.",
        "fr": "Je reçois toujours votre newsletter, alors que j'ai demandé l'effacement de mes données personnelles.",
    },
    "billing": {
        "nl": "Het bedrag van € 49,95 is twee keer van mijn rekening afgeschreven, en de factuur klopt dus niet.",
        "en": "I was charged twice: the amount of € 49.95 was taken from my account on two days in a row.",
        "de": "Der Betrag von 49,95 € wurde doppelt abgebucht, und die Rechnung stimmt daher nicht.",
        "fr": "La somme de 49,95 € a été prélevée deux fois sur mon compte, la facture est donc erronée.",
    },
    "mislead": {
        "nl": "Het kleed is heel anders dan omschreven: op de foto was het wol, in werkelijkheid is het plastic.",
        "en": "The rug is not as described: the picture showed wool, and what I have in front of me is plastic.",
        "de": "Der Teppich ist nicht wie beschrieben: das Bild zeigte Wolle, in Wirklichkeit ist es Kunststoff.",
        "fr": "Le tapis n'est pas conforme à la description : la photo montrait de la laine, c'est du plastique.",
    },
    "wrong": {
        "nl": "Ik kreeg een verkeerd artikel: in de doos zaten blauwe gordijnen in plaats van de groene.",
        "en": "You sent me the wrong item: the box held blue curtains instead of the green ones I had chosen.",
        "de": "Ich habe einen falschen Artikel erhalten: im Karton lagen blaue Vorhänge anstelle der grünen.",
        "fr": "J'ai reçu un mauvais article : le carton contenait des rideaux bleus au lieu des verts.",
    },
    "damaged": {
        "nl": "De lamp is beschadigd aangekomen: het glas is gebarsten en er zit een deuk in de voet.",
        "en": "The lamp was damaged on arrival: the glass is cracked and there is a dent in its foot.",
        "de": "Die Lampe kam beschädigt an: das Glas ist gesprungen und der Fuß hat eine Delle.",
        "fr": "La lampe est arrivée endommagée : le verre est fêlé et le pied est cabossé.",
    },
    "defect": {
        "nl": "De waterkoker is na drie dagen al defect: hij wordt niet meer warm en het lampje doet het niet.",
        "en": "The kettle stopped working after three days: it is faulty, no longer heats, and its light stays dark.",
        "de": "Der Wasserkocher ist schon nach drei Tagen defekt: er heizt nicht mehr und die Anzeige bleibt dunkel.",
        "fr": "La bouilloire est défectueuse : au bout de trois jours, elle ne chauffe plus et le voyant reste éteint.",
    },
    "del_none": {
        "nl": "Het pakket is nooit geleverd, hoewel uw bezorger schrijft dat het is afgegeven.",
        "en": "The parcel never arrived, although your carrier claims that it was handed over.",
        "de": "Das Paket habe ich nie erhalten, obwohl Ihr Zusteller schreibt, dass es übergeben wurde.",
        "fr": "Le colis n'a jamais été livré, bien que votre transporteur affirme l'avoir remis.",
    },
    "del_late": {
        "nl": "De levering is nu al drie weken te laat, en ik wacht nog steeds op een nieuwe datum.",
        "en": "The delivery is three weeks late by now, and I am still waiting for a new date.",
        "de": "Die Lieferung ist nun schon drei Wochen verspätet, und ich warte noch immer auf einen neuen Termin.",
        "fr": "La livraison a déjà trois semaines de retard, et j'attends toujours une nouvelle date.",
    },
    "withdraw": {
        "nl": "Binnen de bedenktijd heb ik de koop herroepen, maar u reageert niet op mijn herroeping.",
        "en": "I told you within the cooling-off period that I withdraw from the contract, and you do not react.",
        "de": "Innerhalb der Frist habe ich den Vertrag widerrufen, doch Sie reagieren nicht auf meinen Widerruf.",
        "fr": "J'ai exercé mon droit de rétractation dans le délai, mais vous ne réagissez pas.",
    },
    "refund": {
        "nl": "De retour is al een maand geleden bij u bezorgd, maar mijn geld heb ik nog niet terug.",
        "en": "My return reached you a month ago, but I still have not had my money back.",
        "de": "Die Rücksendung liegt seit einem Monat bei Ihnen, aber mein Geld habe ich noch nicht zurück.",
        "fr": "Mon retour vous est parvenu il y a un mois, mais je n'ai toujours pas été remboursée.",
    },
    "conduct": {
        "nl": "Uw medewerker was aan de telefoon erg onbeleefd en hing op voordat ik uitgesproken was.",
        "en": "Your colleague on the telephone was very rude and hung up before I had finished.",
        "de": "Ihr Mitarbeiter war am Telefon sehr unfreundlich und legte auf, bevor ich ausgesprochen hatte.",
        "fr": "Votre collaborateur a été très impoli au téléphone et a raccroché avant que j'aie terminé.",
    },
    "safety": {
        "nl": "De oplader is gevaarlijk: er kwam rook uit en het stopcontact is zwart geblakerd.",
        "en": "The charger is dangerous: smoke came out of it and the socket has been scorched.",
        "de": "Das Ladegerät ist gefährlich: es trat Rauch aus, und die Steckdose ist ganz schwarz.",
        "fr": "Le chargeur est dangereux : de la fumée en est sortie et la prise est toute noire.",
    },
    "threat": {
        "nl": "Hoor ik niets, dan geef ik de zaak aan mijn advocaat en meld ik die bij de Geschillencommissie.",
        "en": "If I hear nothing, I shall hand the matter to my lawyer and go to court.",
        "de": "Sollte ich nichts hören, übergebe ich die Sache meinem Anwalt und der Verbraucherzentrale.",
        "fr": "Sans réponse, je confierai l'affaire à mon avocat et saisirai le tribunal.",
    },
}
