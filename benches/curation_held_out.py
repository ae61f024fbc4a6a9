"""Made-up requests in other words than ``curation_cases``: nothing of the product was chosen on them.

They were written once, before anything was measured on them, and stay as they are: whoever looks at what goes wrong
here and mends it has to write others. (An earlier set was looked at so, and is gone.)
"""

from __future__ import annotations

from curation_cases import Intent, World

VALUES: dict[str, tuple[str, ...]] = {
    "planet": ("Mars", "Venus", "Saturn", "Neptune", "Mercury", "Jupiter", "Uranus", "Pluto", "Titan", "Europa"),
    "metal": ("copper", "zinc", "nickel", "tin", "silver", "cobalt", "lead", "titanium", "iron", "platinum"),
    "writer": ("Chekhov", "Woolf", "Borges", "Achebe", "Dickens", "Lagerlöf", "Tagore", "Kafka", "Austen", "Neruda"),
    "tree": ("beech", "willow", "larch", "rowan", "alder", "poplar", "cedar", "hornbeam", "yew", "maple"),
    "cheese": ("gouda", "feta", "brie", "cheddar", "ricotta", "gruyère", "halloumi", "stilton", "manchego", "edam"),
    "dance": ("tango", "waltz", "polka", "salsa", "foxtrot", "rumba", "jive", "samba", "bolero", "minuet"),
    "table": ("two", "four", "six", "eight", "ten", "twelve"),
    "place": ("Da Enzo", "The Anchor", "Blue Door", "Chez Lou", "Old Forge", "Green Fig", "Marrow", "Saltbox"),
    "file": ("budget.xlsx", "notes.txt", "cv_final.pdf", "plan-b.docx", "logo.svg", "q3.csv", "draft.md", "rota.ods"),
    "folder": ("archive", "desktop", "invoices", "holiday", "shared", "old stuff", "backup", "projects"),
    "phone": ("555-0142", "555-0177", "555-0199", "555-0103", "555-0121", "555-0165", "555-0188", "555-0134"),
    "words": (
        "running late",
        "see you soon",
        "all done here",
        "please ring me",
        "happy birthday",
        "the bus broke down",
    ),
    "percent": ("5%", "20%", "35%", "50%", "65%", "80%", "95%"),
    "lamp": ("porch lamp", "reading light", "ceiling light", "floor lamp", "fairy lights", "strip light"),
}

INTENTS = (
    Intent(
        "reserve_table",
        {"restaurant": "place", "guests": "table"},
        (
            "Reserve a table for {guests} at {restaurant}.",
            "We're {guests} and want to eat at {restaurant}.",
            "Is there room for {guests} at {restaurant}? If so, take it.",
            "{restaurant}, a table, {guests} people.",
        ),
    ),
    Intent(
        "move_file",
        {"file": "file", "folder": "folder"},
        (
            "Move {file} to {folder}.",
            "{file} belongs in {folder}, put it there.",
            "I want {file} out of here and inside {folder}.",
            "Shift {file} over to the {folder} directory.",
        ),
    ),
    Intent(
        "send_text",
        {"number": "phone", "text": "words"},
        (
            "Text {text} to {number}.",
            "Let {number} know: {text}.",
            "Send a message saying {text} to {number}.",
            "Can you write {text} to the number {number}?",
        ),
    ),
    Intent(
        "dim",
        {"light": "lamp", "level": "percent"},
        (
            "Dim the {light} to {level}.",
            "The {light} at {level}, please.",
            "Make the {light} less bright, {level} will do.",
            "Bring the {light} down to {level}.",
        ),
    ),
)

SMALL_TALK = (
    Intent(
        "",
        {"planet": "planet"},
        ("How far away is {planet}?", "What is the distance to {planet}?", "How many kilometres to {planet}?"),
    ),
    Intent(
        "",
        {"planet": "planet"},
        ("Could anyone live on {planet}?", "Is life on {planet} possible?", "Would {planet} be habitable?"),
    ),
    Intent(
        "",
        {"metal": "metal"},
        ("What is {metal} used for?", "Name some uses of {metal}.", "Which things are made with {metal}?"),
    ),
    Intent(
        "",
        {"writer": "writer"},
        (
            "Which book by {writer} should I read first?",
            "I've never read {writer}. Where do I start?",
            "Recommend something by {writer} for a newcomer.",
        ),
    ),
    Intent(
        "",
        {"tree": "tree"},
        ("How tall does a {tree} grow?", "What height can a {tree} get to?", "Is the {tree} a large tree?"),
    ),
    Intent(
        "",
        {"tree": "tree"},
        ("How do I recognise a {tree}?", "What do the leaves of a {tree} look like?", "Describe a {tree} to me."),
    ),
    Intent(
        "",
        {"cheese": "cheese"},
        ("Which wine goes with {cheese}?", "What do I drink with {cheese}?", "Pair {cheese} with a wine."),
    ),
    Intent(
        "",
        {"dance": "dance"},
        (
            "Where does the {dance} come from?",
            "Tell me the origin of the {dance}.",
            "In what country did {dance} begin?",
        ),
    ),
)

BEFORE = ("", "", "", "Morning! ", "Sorry to bother you, ", "Quick question: ", "So, ", "Hi again. ")
AFTER = ("", "", "", " Ta.", " That would be great.", " Many thanks!", " Whenever you can.", " Be brief.")

HELD_OUT = World(INTENTS, SMALL_TALK, VALUES, BEFORE, AFTER)
