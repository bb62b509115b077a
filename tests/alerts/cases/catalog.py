"""The 67 cases an alert has to get right, by number. A test of a case is named `test_case_NN_…`, wherever it lives."""

from __future__ import annotations

# Shown on rows and messages, beside (or instead of) the pure rules: what the pure rules alone cannot show.
ON_ROWS = frozenset(
    {3, 5, 13, 15, 16, 17, 18, 19, 20, 21, 22, 23, *range(25, 38), *range(40, 64), 65, 66, 67}
)

CASES = {
    # Thresholds and hysteresis
    1: "A figure exactly at the threshold does not fire.",
    2: "One unit of the last place below it does.",
    3: "A figure that rounds to the threshold fires, and its message shows enough digits.",
    4: "Firing and clearing at one level is allowed and has no band.",
    5: "Clearing below the level of firing is refused when it is saved.",
    6: "Sixty months in the band after a firing are no notice.",
    7: "A month in the band breaks a count of two.",
    8: "A month without data holds it.",
    9: "Three months without data drop it.",
    10: "Back into the band while recovering is the same episode and no notice.",
    11: "Clear for as many months as asked is exactly one resolution.",
    12: "A series that alternates is one pair a cycle, and flaps after three cycles in twelve months.",
    # Undefined figures
    13: "No investment, or no base, is no data and not -100 %.",
    14: "An IRR without a root, or with several, is no data.",
    15: "What is no finite number is refused at the door and by the database.",
    16: "A credit, a negative cost, is taken with its sign.",
    17: "A first month, without history, is normal and not missed before its close day.",
    18: "A currency without a rate is no data and not a rate of one.",
    # Late and restated
    19: "A month that comes late ends in the state of one in time, in whatever order.",
    20: "A restatement that removes the breach of what fires retracts it once.",
    21: "A breach added long ago, healthy since, goes to a digest alone.",
    22: "A restatement that undoes a resolution reopens the same episode.",
    23: "The same value again is no fact and no event.",
    24: "Restated twice in a batch is one difference.",
    25: "A restatement that is not material leaves an acknowledgment alone.",
    26: "A locked month needs a second person, and never the author.",
    27: "A month that is deleted is a statement of no data; nothing is removed.",
    28: "Asked as of before a restatement, the old alert is still there.",
    # Episodes and keys
    29: "Eight evaluators at once open one episode.",
    30: "Firing again after a resolution has the next number and a new key.",
    31: "What a crash left between fact and evaluation is evaluated within five minutes.",
    32: "No crash lies between an episode and its deliveries.",
    33: "An event computed twice is one row.",
    34: "Renamed or moved while firing keeps the key; routes are new from the next event.",
    # Inhibition
    35: "Negative and hurdle in one evaluation are one notice.",
    36: "A negative after a told hurdle is told, and the hurdle's reminders stop.",
    37: "A negative that is over leaves one notice of the hurdle that still fires.",
    38: "Over together, only what was told is told to be over.",
    39: "A hurdle below zero switches inhibition off.",
    40: "A silenced negative still inhibits.",
    # Acknowledgment, snooze, silence
    41: "An acknowledgment of what is over is refused and has no effect.",
    42: "Acknowledged twice or by two is a record each; the first leads.",
    43: "A button of Slack pressed by a replay is refused.",
    44: "A snooze that ends after the recovery says nothing.",
    45: "A silence made after queueing counts when it is sent.",
    46: "A silence that ends while sending is exactly one notice.",
    47: "A silence of everything is refused.",
    48: "An acknowledgment goes with its person.",
    # Escalation and reminders
    49: "After an outage levels do not come in a burst.",
    50: "An answer one second before is in time.",
    51: "Without anybody to escalate to, administrators hear, and that it is set up wrongly.",
    52: "A changed calendar moves what waits, and never into the past.",
    # Resolutions and channels
    53: "A channel added later hears reminders and no resolution.",
    54: "A channel switched off and on again is not sent what it missed.",
    55: "A resolution goes where the firing was accepted.",
    56: "A message in Slack is edited; one that was deleted is posted once more.",
    # No data
    57: "A source that is down is one notice a data owner.",
    58: "Actuals in the minute they were missed are one pair at most, in order.",
    59: "Paused and closed investments are not asked for data.",
    60: "A month before its close day is never judged.",
    61: "A month in the future is refused.",
    # Rules and configuration
    62: "A raised threshold that ends a firing closes it as changed.",
    63: "A rule deleted while firing is one notice of its closing.",
    64: "A longer count leaves what is firing.",
    65: "Two policies of one rule on one investment are refused.",
    66: "Whatever a clock or a calendar does, the notices are the same.",
    67: "A backfill is one notice a rule at most, in one digest an owner.",
}
