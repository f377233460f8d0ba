"""Sentences made in English, French and Italian at once, so that any pair is an exact translation.

Lower case, words for digits, no punctuation but the apostrophe. `sentence(rng)` gives one; the English
text is its identity, by which corpora are split.
"""

from num2words import num2words

LANGUAGES = ("en", "fr", "it")


def _table(block):
    """One entry a line, the languages in order, separated by |."""
    rows = [tuple(part.strip() for part in line.split("|")) for line in block.strip().splitlines()]
    assert all(len(row) == len(LANGUAGES) for row in rows), rows
    return rows


SLOTS = {
    "city": _table("""
        berlin|berlin|berlino
        paris|paris|parigi
        rome|rome|roma
        london|londres|londra
        madrid|madrid|madrid
        vienna|vienne|vienna
        milan|milan|milano
        geneva|genève|ginevra
        brussels|bruxelles|bruxelles
        lisbon|lisbonne|lisbona
        naples|naples|napoli
        prague|prague|praga
        warsaw|varsovie|varsavia
        florence|florence|firenze
        venice|venise|venezia
        dublin|dublin|dublino
        moscow|moscou|mosca
        barcelona|barcelone|barcellona
        turin|turin|torino
        marseille|marseille|marsiglia
        new york|new york|new york
        tokyo|tokyo|tokyo"""),
    "day": _table("""
        monday|lundi|lunedì
        tuesday|mardi|martedì
        wednesday|mercredi|mercoledì
        thursday|jeudi|giovedì
        friday|vendredi|venerdì
        saturday|samedi|sabato
        sunday|dimanche|domenica"""),
    "month": _table("""
        january|janvier|gennaio
        february|février|febbraio
        march|mars|marzo
        april|avril|aprile
        may|mai|maggio
        june|juin|giugno
        july|juillet|luglio
        august|août|agosto
        september|septembre|settembre
        october|octobre|ottobre
        november|novembre|novembre
        december|décembre|dicembre"""),
    "when": _table("""
        today|aujourd'hui|oggi
        tomorrow|demain|domani
        this evening|ce soir|stasera
        tomorrow morning|demain matin|domani mattina
        next week|la semaine prochaine|la settimana prossima
        next month|le mois prochain|il mese prossimo
        in an hour|dans une heure|tra un'ora
        after lunch|après le déjeuner|dopo pranzo"""),
    "device": _table("""
        the light|la lumière|la luce
        the heating|le chauffage|il riscaldamento
        the radio|la radio|la radio
        the television|la télévision|la televisione
        the fan|le ventilateur|il ventilatore
        the alarm|l'alarme|l'allarme
        the music|la musique|la musica
        the oven|le four|il forno
        the computer|l'ordinateur|il computer
        the coffee machine|la machine à café|la macchina del caffè"""),
    "room": _table("""
        in the kitchen|dans la cuisine|in cucina
        in the bathroom|dans la salle de bains|in bagno
        in the bedroom|dans la chambre|in camera da letto
        in the living room|dans le salon|in salotto
        in the office|dans le bureau|in ufficio
        in the garden|dans le jardin|in giardino
        in the garage|dans le garage|in garage
        in the cellar|dans la cave|in cantina"""),
    "place": _table("""
        the train station|la gare|la stazione
        the airport|l'aéroport|l'aeroporto
        the hospital|l'hôpital|l'ospedale
        the library|la bibliothèque|la biblioteca
        the museum|le musée|il museo
        the pharmacy|la pharmacie|la farmacia
        the market|le marché|il mercato
        the church|l'église|la chiesa
        the school|l'école|la scuola
        the bank|la banque|la banca
        the post office|la poste|la posta
        the theatre|le théâtre|il teatro
        the restaurant|le restaurant|il ristorante
        the swimming pool|la piscine|la piscina
        the beach|la plage|la spiaggia
        the town hall|la mairie|il municipio"""),
    "food": _table("""
        a coffee with milk|un café au lait|un caffè con latte
        a glass of water|un verre d'eau|un bicchiere d'acqua
        a bottle of red wine|une bouteille de vin rouge|una bottiglia di vino rosso
        a cup of tea|une tasse de thé|una tazza di tè
        the vegetable soup|la soupe de légumes|la zuppa di verdure
        the chicken with rice|le poulet au riz|il pollo con riso
        the fish of the day|le poisson du jour|il pesce del giorno
        a slice of apple pie|une part de tarte aux pommes|una fetta di torta di mele
        bread and cheese|du pain et du fromage|pane e formaggio
        a green salad|une salade verte|un'insalata verde
        an orange juice|un jus d'orange|un succo d'arancia
        a chocolate ice cream|une glace au chocolat|un gelato al cioccolato
        the bill|l'addition|il conto
        the menu|la carte|il menù"""),
    "person": _table("""
        my mother|ma mère|mia madre
        my father|mon père|mio padre
        my brother|mon frère|mio fratello
        my sister|ma sœur|mia sorella
        my uncle|mon oncle|mio zio
        the doctor|le médecin|il medico
        the teacher|le professeur|il professore
        the boss|le patron|il capo
        the neighbour|le voisin|il vicino
        the secretary|la secrétaire|la segretaria
        anna|anna|anna
        peter|peter|peter
        laura|laura|laura
        the little girl|la petite fille|la bambina
        your friend|ton ami|il tuo amico"""),
    "act": _table("""
        is reading the newspaper|lit le journal|legge il giornale
        is cooking dinner|prépare le dîner|prepara la cena
        is buying new shoes|achète des chaussures neuves|compra scarpe nuove
        is writing a letter|écrit une lettre|scrive una lettera
        is looking for the keys|cherche les clés|cerca le chiavi
        is working too much|travaille trop|lavora troppo
        is sleeping on the sofa|dort sur le canapé|dorme sul divano
        is waiting for the bus|attend le bus|aspetta l'autobus
        is playing the piano|joue du piano|suona il pianoforte
        is drinking a beer|boit une bière|beve una birra
        is opening the window|ouvre la fenêtre|apre la finestra
        is closing the door|ferme la porte|chiude la porta
        is cleaning the car|nettoie la voiture|pulisce la macchina
        is learning a new language|apprend une nouvelle langue|impara una nuova lingua
        is listening to the radio|écoute la radio|ascolta la radio
        is calling the police|appelle la police|chiama la polizia
        is watching a film|regarde un film|guarda un film
        is paying the bill|paie l'addition|paga il conto
        is going home|rentre à la maison|torna a casa
        is eating an apple|mange une pomme|mangia una mela"""),
    "weather": _table("""
        it is raining|il pleut|piove
        it is snowing|il neige|nevica
        the sun is shining|le soleil brille|splende il sole
        it is very cold|il fait très froid|fa molto freddo
        it is very hot|il fait très chaud|fa molto caldo
        it is windy|il y a du vent|c'è vento
        the sky is clear|le ciel est clair|il cielo è sereno"""),
    "link": _table("""
        but|mais|ma
        and|et|e
        because|parce que|perché
        while|pendant que|mentre"""),
    "thing": _table("""
        the red car|la voiture rouge|la macchina rossa
        the old book|le vieux livre|il vecchio libro
        the black umbrella|le parapluie noir|l'ombrello nero
        the new telephone|le nouveau téléphone|il nuovo telefono
        the white house|la maison blanche|la casa bianca
        the big table|la grande table|il grande tavolo
        the small key|la petite clé|la piccola chiave
        the blue dress|la robe bleue|il vestito blu
        the green bottle|la bouteille verte|la bottiglia verde
        the wooden chair|la chaise en bois|la sedia di legno
        the yellow flower|la fleur jaune|il fiore giallo
        the travel bag|le sac de voyage|la borsa da viaggio"""),
    "where": _table("""
        on the table|sur la table|sul tavolo
        under the bed|sous le lit|sotto il letto
        behind the door|derrière la porte|dietro la porta
        near the window|près de la fenêtre|vicino alla finestra
        in front of the house|devant la maison|davanti alla casa
        next to the bank|à côté de la banque|accanto alla banca
        at the end of the street|au bout de la rue|in fondo alla strada
        on the second floor|au deuxième étage|al secondo piano"""),
    "feel": _table("""
        i am tired|je suis fatigué|sono stanco
        i am hungry|j'ai faim|ho fame
        i am thirsty|j'ai soif|ho sete
        i am afraid|j'ai peur|ho paura
        i am late|je suis en retard|sono in ritardo
        i am ready|je suis prêt|sono pronto
        i have a headache|j'ai mal à la tête|ho mal di testa
        i am at home|je suis à la maison|sono a casa
        i do not understand|je ne comprends pas|non capisco
        i have lost my passport|j'ai perdu mon passeport|ho perso il mio passaporto"""),
    "press": _table("""
        to listen to your messages|pour écouter vos messages|per ascoltare i vostri messaggi
        to change your password|pour changer votre mot de passe|per cambiare la vostra password
        to delete this message|pour effacer ce message|per cancellare questo messaggio
        to save this message|pour sauvegarder ce message|per salvare questo messaggio
        to call the operator|pour appeler l'opérateur|per chiamare l'operatore
        to record a message|pour enregistrer un message|per registrare un messaggio
        to go back to the main menu|pour revenir au menu principal|per tornare al menù principale
        to join the conference|pour joindre la conférence|per entrare nella conferenza
        to hear the options|pour entendre les options|per sentire le opzioni
        to hang up|pour raccrocher|per riagganciare"""),
    "please": _table("""
        please enter your password|veuillez entrer votre mot de passe|inserite la vostra password
        please enter your number|veuillez entrer votre numéro|inserite il vostro numero
        please hold the line|veuillez rester en ligne|restate in linea
        please try again later|veuillez réessayer plus tard|riprovate più tardi
        please leave a message|veuillez laisser un message|lasciate un messaggio
        please speak more slowly|veuillez parler plus lentement|parlate più lentamente
        please wait a moment|veuillez patienter un instant|attendete un momento
        please close the window|veuillez fermer la fenêtre|chiudete la finestra"""),
}

# {slot}, {n}: 2-99, {m}: 2-30, {big}: 100-999, {digits}: 3-6 digits, {at}: a time of day
TEMPLATES = _table("""
    the train to {city} leaves {at} from platform {m}|le train pour {city} part {at} de la voie {m}|il treno per {city} parte {at} dal binario {m}
    turn on {device} {room}|allume {device} {room}|accendi {device} {room}
    turn off {device} {room}|éteins {device} {room}|spegni {device} {room}
    you have {n} new messages|vous avez {n} nouveaux messages|avete {n} nuovi messaggi
    you have {n} old messages|vous avez {n} anciens messages|avete {n} vecchi messaggi
    the meeting is on {day} the {m} of {month}|la réunion est le {day} {m} {month}|la riunione è {day} {m} {month}
    where is {place} please|où est {place} s'il vous plaît|dov'è {place} per favore
    i would like {food} please|je voudrais {food} s'il vous plaît|vorrei {food} per favore
    i would like {food} and {food}|je voudrais {food} et {food}|vorrei {food} e {food}
    my telephone number is {digits}|mon numéro de téléphone est {digits}|il mio numero di telefono è {digits}
    the code is {digits}|le code est {digits}|il codice è {digits}
    {person} {act}|{person} {act}|{person} {act}
    {person} {act} {room}|{person} {act} {room}|{person} {act} {room}
    in {city} {weather}|à {city} {weather}|a {city} {weather}
    in {city} {weather} but in {city} {weather}|à {city} {weather} mais à {city} {weather}|a {city} {weather} ma a {city} {weather}
    the room costs {big} euros per night|la chambre coûte {big} euros par nuit|la camera costa {big} euro a notte
    {person} {act} {link} {person} {act}|{person} {act} {link} {person} {act}|{person} {act} {link} {person} {act}
    set the alarm clock for {when} {at}|mets le réveil pour {when} {at}|imposta la sveglia per {when} {at}
    {when} we are travelling from {city} to {city}|{when} nous voyageons de {city} à {city}|{when} viaggiamo da {city} a {city}
    the temperature in {city} is {m} degrees|la température à {city} est de {m} degrés|la temperatura a {city} è di {m} gradi
    {thing} is {where}|{thing} est {where}|{thing} è {where}
    {person} says that {thing} is {where}|{person} dit que {thing} est {where}|{person} dice che {thing} è {where}
    {feel} {link} {weather}|{feel} {link} {weather}|{feel} {link} {weather}
    {feel}|{feel}|{feel}
    {press} press {digit}|{press} appuyez sur le {digit}|{press} premete {digit}
    {press} press {digit} {press} press {digit}|{press} appuyez sur le {digit} {press} appuyez sur le {digit}|{press} premete {digit} {press} premete {digit}
    {please}|{please}|{please}
    {please} or press {digit}|{please} ou appuyez sur le {digit}|{please} o premete {digit}
    {place} is {where}|{place} est {where}|{place} è {where}
    {place} opens {at} and closes {at}|{place} ouvre {at} et ferme {at}|{place} apre {at} e chiude {at}
    how much does {food} cost|combien coûte {food}|quanto costa {food}
    {when} {person} is going to {city}|{when} {person} va à {city}|{when} {person} va a {city}
    there are {n} people {room}|il y a {n} personnes {room}|ci sono {n} persone {room}
    {n} plus {m} equals {big}|{n} plus {m} égale {big}|{n} più {m} fa {big}
    extension {digits} is busy|le poste {digits} est occupé|l'interno {digits} è occupato
    your balance is {big} euros|votre solde est de {big} euros|il vostro saldo è di {big} euro
    do you know where {place} is|savez vous où est {place}|sapete dov'è {place}
    {day} {weather} {link} {feel}|{day} {weather} {link} {feel}|{day} {weather} {link} {feel}""")


def number(value, language):
    return num2words(value, lang=language).replace("-", " ").replace(",", "")


def _time(hour, minute, language):
    """ "at ten past…" in the plain form that reads the numbers."""
    h, m = number(hour, language), number(minute, language)
    if language == "en":
        return "at %s %s" % (h, m if minute else "o'clock")
    if language == "fr":
        hours = "une heure" if hour == 1 else h.replace("et un", "et une") + " heures"
        return "à %s %s" % (hours, m) if minute else "à " + hours
    hours = "all'una" if hour == 1 else "alle " + h
    return "%s e %s" % (hours, m) if minute else hours


def _numbers(rng):
    """slot -> what it says, by language"""
    ranges = {"n": (2, 100), "m": (2, 31), "big": (100, 1000), "digit": (2, 10)}
    said = {}
    for slot, (low, high) in ranges.items():
        value = rng.randrange(low, high)
        if value % 10 == 1 and value % 100 not in (11, 71, 91):
            value += 1  # one agrees in gender with what is counted
        said[slot] = tuple(number(value, language) for language in LANGUAGES)
    digits = [rng.randrange(10) for _ in range(rng.randrange(3, 7))]
    said["digits"] = tuple(" ".join(number(d, code) for d in digits) for code in LANGUAGES)
    hour, minute = rng.randrange(1, 24), 5 * rng.randrange(12)
    said["at"] = tuple(_time(hour, minute, language) for language in LANGUAGES)
    return said


def sentence(rng):
    """language -> text"""
    texts = list(rng.choice(TEMPLATES))
    while "{" in texts[0]:
        slot = texts[0].partition("{")[2].partition("}")[0]
        words = rng.choice(SLOTS[slot]) if slot in SLOTS else _numbers(rng)[slot]
        # A slot named twice is filled twice, each time by the same words in all languages.
        texts = [text.replace("{%s}" % slot, word, 1) for text, word in zip(texts, words)]
    return dict(zip(LANGUAGES, texts))
