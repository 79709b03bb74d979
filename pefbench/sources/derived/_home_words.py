"""English words for Home Assistant's open lists: names of rooms, devices and lists, and free text.

The words were written for pefbench. All intents draw from the same lists, except that a device's names match the kind
of device in the template.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

OPEN_LISTS = {
    "area": (
        "kitchen",
        "living room",
        "bedroom",
        "bathroom",
        "garage",
        "office",
        "hallway",
        "dining room",
        "nursery",
        "laundry room",
        "guest room",
        "garden",
    ),
    "floor": ("basement", "attic", "upstairs", "downstairs", "cellar", "top"),
    "message": (
        "dinner is ready",
        "it is time to leave",
        "the guests are here",
        "please come to the table",
        "somebody is at the door",
        "the taxi is waiting",
        "bedtime in ten minutes",
        "who took my keys",
    ),
    "search_query": (
        "the beatles",
        "miles davis",
        "abbey road",
        "bohemian rhapsody",
        "the four seasons",
        "jazz for dinner",
        "the morning news",
        "casablanca",
        "songs from the eighties",
        "a love supreme",
    ),
    "shopping_list_item": (
        "milk",
        "bread",
        "apples",
        "coffee beans",
        "olive oil",
        "toilet paper",
        "two dozen eggs",
        "washing powder",
        "cat food",
        "rice",
    ),
    "todo_list_item": (
        "call the plumber",
        "water the plants",
        "book the flights",
        "renew the passport",
        "walk the dog",
        "pay the rent",
        "fix the fence",
        "pick up the parcel",
    ),
    "timer_name": ("pizza", "laundry", "egg", "tea", "workout", "homework", "pasta", "nap"),
    "timer_command": (
        "turn off the lights",
        "open the garage door",
        "lock the front door",
        "stop the music",
        "close the blinds",
        "start the vacuum",
    ),
    "zone": ("home", "work", "school", "gym", "airport", "library"),
}
DEVICES = {
    "binary_sensor": ("front door sensor", "motion sensor", "window contact", "smoke detector"),
    "button": ("doorbell", "reset button", "restart router"),
    "climate": ("thermostat", "heat pump", "air conditioner", "radiator", "floor heating"),
    "cover": ("garage door", "left curtain", "patio awning", "roller blind", "skylight shade"),
    "fan": ("ceiling fan", "desk fan", "extractor", "tower fan"),
    "input_boolean": ("vacation mode", "guest mode", "sleep mode"),
    "input_button": ("coffee button", "gate opener"),
    "lawn_mower": ("robot mower", "lawn mower", "mowbot"),
    "light": ("desk lamp", "ceiling spots", "reading lamp", "chandelier", "bedside lamp", "fairy lights"),
    "lock": ("front door", "back door", "shed lock", "side gate"),
    "media_player": ("television", "soundbar", "radio", "speaker", "record player"),
    "person": ("alice", "bob", "grandma", "charlie"),
    "scene": ("movie night", "good morning", "dinner party", "sunset"),
    "script": ("bedtime routine", "leave home", "morning routine"),
    "sensor": ("outdoor humidity", "freezer temperature", "power meter", "rain gauge"),
    "switch": ("coffee maker", "space heater", "christmas tree", "water pump"),
    "todo": ("chores", "packing", "holiday", "house"),
    "vacuum": ("robot vacuum", "dusty", "roomba"),
    "valve": ("sprinkler valve", "water main", "gas valve"),
    "weather": ("london", "new york", "paris", "sydney"),
}


def values(name: str, domains: Iterable[str]) -> tuple[str, ...]:
    """The values of an open list; empty if it is unknown.

    domains: the kinds of device that a ``name`` may refer to; empty: every kind.
    """
    if name != "name":
        return OPEN_LISTS.get(name, ())
    return tuple(word for domain in (list(domains) or DEVICES) for word in DEVICES.get(domain, ()))
