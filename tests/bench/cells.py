"""From an area to cells: runs bench-cells on a network that scripts/cells makes."""
import json
import os
import subprocess
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def measure(program, count):
    """{"star_1000_points_15_km/cells": processor time in ms, ...}"""
    with tempfile.TemporaryDirectory() as folder:
        network, out = os.path.join(folder, "cells.csv"), os.path.join(folder, "out.json")
        with open(network, "wb") as file:
            subprocess.run([os.path.join(ROOT, "scripts/cells"), "--count", str(count)], stdout=file,
                           check=True)
        subprocess.run([program, network, os.path.join(ROOT, "data/beijing/regions.geojson"),
                        f"--benchmark_out={out}", "--benchmark_out_format=json"],
                       stdout=subprocess.DEVNULL, check=True)
        with open(out, encoding="utf-8") as file:
            return {b["name"]: b["cpu_time"] for b in json.load(file)["benchmarks"]}
