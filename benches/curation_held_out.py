"""Made-up requests in other words than ``curation_cases``: no constant of the product was chosen on them.

They were written once, before anything was measured on them, and stay as they are: whoever tunes on them has to write
others.
"""

from __future__ import annotations

from curation_cases import Intent, World

VALUES: dict[str, tuple[str, ...]] = {
    "animal": ("otter", "heron", "badger", "lynx", "tortoise", "magpie", "salmon", "hedgehog", "ibex", "newt"),
    "instrument": ("cello", "oboe", "banjo", "trumpet", "harp", "accordion", "flute", "bass drum", "viola", "organ"),
    "language": ("Basque", "Welsh", "Finnish", "Swahili", "Hindi", "Korean", "Polish", "Greek", "Maltese", "Tamil"),
    "stone": ("granite", "slate", "marble", "basalt", "chalk", "flint", "sandstone", "obsidian", "gypsum", "jade"),
    "sport": ("curling", "fencing", "rowing", "judo", "cricket", "handball", "archery", "water polo", "luge", "darts"),
    "fruit": ("quince", "papaya", "gooseberry", "fig", "mango", "medlar", "lychee", "damson", "persimmon", "kiwi"),
    "player": ("speaker", "radio", "old stereo", "record player", "tablet", "headset", "soundbar", "tuner"),
    "song": (
        "Blue Harbour",
        "Slow Rain",
        "Paper Moon",
        "Old Mill",
        "First Snow",
        "Long Road",
        "Green Door",
        "Late Bus",
    ),
    "person": ("Vera", "Otto", "Nadia", "Pablo", "Quinn", "Ruth", "Sami", "Tove", "Umar", "Wanda"),
    "hour": ("six", "seven", "eight", "half past nine", "noon", "quarter to four", "midnight", "ten sharp"),
    "parcel": ("XK-204", "QP-771", "LM-390", "RT-118", "BD-655", "ZW-902", "HG-447", "CV-563"),
    "sum": ("12 euros", "80 euros", "450 euros", "39 euros", "7 euros", "260 euros", "95 euros", "1200 euros"),
}

INTENTS = (
    Intent(
        "play_music",
        {"title": "song", "device": "player"},
        (
            "Play {title} on the {device}.",
            "Let me hear {title} through the {device}.",
            "I'm in the mood for {title}, use the {device}.",
            "The {device} should start {title} now.",
        ),
    ),
    Intent(
        "set_alarm",
        {"time": "hour"},
        ("Wake me at {time}.", "Set an alarm for {time}.", "I have to get up at {time}.", "Alarm, {time}, please."),
    ),
    Intent(
        "track_parcel",
        {"number": "parcel"},
        (
            "Where is parcel {number}?",
            "Has {number} been delivered yet?",
            "Track shipment {number} for me.",
            "I'm still waiting for {number}. Any news?",
        ),
    ),
    Intent(
        "transfer",
        {"amount": "sum", "to": "person"},
        (
            "Send {amount} to {to}.",
            "I owe {to} {amount}, please pay it back.",
            "Transfer {amount} from my account to {to}.",
            "{to} gets {amount} from me.",
        ),
    ),
)

SMALL_TALK = (
    Intent(
        "",
        {"animal": "animal"},
        ("How long does a {animal} live?", "What age can a {animal} reach?", "Life span of the {animal}?"),
    ),
    Intent(
        "",
        {"animal": "animal"},
        ("What does a {animal} eat?", "What is the diet of a {animal}?", "What do I feed a {animal}?"),
    ),
    Intent(
        "",
        {"instrument": "instrument"},
        (
            "Is the {instrument} hard to learn?",
            "How difficult is playing the {instrument} for a beginner?",
            "Can an adult still pick up the {instrument}?",
        ),
    ),
    Intent(
        "",
        {"language": "language"},
        (
            "How many people speak {language}?",
            "What is the number of {language} speakers?",
            "Is {language} spoken by many?",
        ),
    ),
    Intent(
        "",
        {"language": "language"},
        ("Say good morning in {language}.", "What's the {language} for good morning?", "Greet me in {language}."),
    ),
    Intent(
        "",
        {"stone": "stone"},
        ("How is {stone} formed?", "Explain where {stone} comes from.", "What makes {stone} come about?"),
    ),
    Intent(
        "",
        {"sport": "sport"},
        (
            "Explain the rules of {sport}.",
            "How do you play {sport}?",
            "I never understood {sport}, how does it work?",
        ),
    ),
    Intent(
        "",
        {"fruit": "fruit"},
        (
            "When is a {fruit} ripe?",
            "How can I tell that my {fruit} is ready to eat?",
            "What are the signs of a ripe {fruit}?",
        ),
    ),
)

BEFORE = ("", "", "", "Good evening. ", "Excuse me, ", "One more thing: ", "Okay, ", "A question: ")
AFTER = ("", "", "", " Much obliged.", " Appreciate it!", " If you don't mind.", " Take your time.", " Asap.")

HELD_OUT = World(INTENTS, SMALL_TALK, VALUES, BEFORE, AFTER)
