"""python run.py: runs scenarios of python-socketio, one after the other; 5.x, and 4.x, whose client speaks Engine.IO 3.

Lines of JSON come in: a scenario with its settings, or the answer to a step. Lines go out, as with the JavaScript client's
run.cjs: STEP with what the scenario asks for, RESULT when it is over.
"""

import asyncio
import json
import sys
import traceback

import scenarios_audience
import scenarios_events
import scenarios_life
from client import Client

SCENARIOS = {**vars(scenarios_audience), **vars(scenarios_events), **vars(scenarios_life)}


async def main(name, settings):
    client = Client(settings)
    try:
        await asyncio.wait_for(SCENARIOS[name](client), 40)
        return "passed"
    except BaseException:
        return traceback.format_exc()
    finally:
        for each in Client.made:
            await each.close()
        Client.made.clear()


while line := sys.stdin.readline():
    print("RESULT", json.dumps(asyncio.run(main(*json.loads(line)))), flush=True)
