"""The book: a JSON line an event, and the counts of the summary."""
import collections
import json
import time


class Book:
    def __init__(self, path):
        self.file = open(path, "w", encoding="utf-8", buffering=1) if path else None
        self.counts = collections.Counter()
        self.results, self.violated = collections.Counter(), collections.Counter()
        self.destinations, self.accepted_parts = set(), set()
        self.parts = {}  # (source, destination, reference or packet, total) -> {number: words}

    def write(self, event, **words):
        if self.file:
            self.file.write(json.dumps({"t": round(time.time(), 4), "event": event, **words}, ensure_ascii=False) + "\n")

    def count(self, event, number=1):
        self.counts[event] += number

    def note(self, event, **words):
        self.counts[event] += 1
        self.write(event, **words)

    def violation(self, link, what, command=None):
        self.counts["violations"] += 1
        self.violated[what.split(":")[0]] += 1
        self.write("violation", link=link, command=command, what=what)

    def segment(self, source, to, values):
        """An accepted segment; True if the same words came to the same number before."""
        self.destinations.add(to)
        part = (to, source, values["part"], values["words"])
        twice = part in self.accepted_parts
        self.accepted_parts.add(part)
        if not values["part"]:
            self.count("messages")
            self.write("message", to=to, source=source, words=values["words"])
            return twice
        reference, total, number = values["part"]
        pieces = self.parts.setdefault((source, to, reference, total), {})
        pieces[number] = values["words"]
        if len(pieces) == total:
            self.count("messages")
            self.write("message", to=to, source=source, words="".join(pieces[n] for n in sorted(pieces)))
            del self.parts[source, to, reference, total]
        return twice

    def summary(self):
        names = ("connects", "connects_refused", "submits", "accepted", "segments", "messages", "duplicates", "resent", "throttled",
                 "over_window", "answers_lost", "reports", "reports_acked", "reports_refused", "reports_again", "reports_lost", "reports_doubled",
                 "reports_unknown", "reports_early", "replies", "replies_acked", "active_tests", "active_tests_sent", "active_tests_missed",
                 "terminates", "terminates_sent", "closed_without_terminate", "cuts", "cancels", "queries", "sequence_gaps", "violations")
        return {**{name: self.counts[name] for name in names}, "distinct": len(self.destinations), "incomplete": len(self.parts),
                "results": dict(self.results), "violated": dict(self.violated)}

    def close(self):
        summary = self.summary()
        self.write("summary", **summary)
        if self.file:
            self.file.close()
        return summary
