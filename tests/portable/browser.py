"""Chromium without a window, for tests: driven by its DevTools protocol over two pipes, so that no package is needed.

Reference: https://chromedevtools.github.io/devtools-protocol/
"""

import json
import os
import select
import signal
import subprocess
import time

#: Seconds that anything may take.
LIMIT = 30
#: No name is resolved, and nothing is fetched that the page does not ask for.
FLAGS = ['--headless', '--remote-debugging-pipe', '--disable-gpu', '--disable-dev-shm-usage', '--no-first-run',
         '--disable-background-networking', '--disable-component-update', '--hide-scrollbars',
         '--host-resolver-rules=MAP * ~NOTFOUND']
KEYS = {'Tab': 9, 'Enter': 13, 'End': 35, 'Home': 36, 'ArrowLeft': 37, 'ArrowUp': 38, 'ArrowRight': 39, 'ArrowDown': 40}


class Browser:
    """One browser with one tab; `close` ends it, whatever has happened."""

    def __init__(self, program, folder):
        # The protocol's pipes are descriptors 3 and 4, which a shell can hand on.
        flags = FLAGS + ['--user-data-dir=%s' % folder] + ['--no-sandbox'] * (os.geteuid() == 0)
        self._process = subprocess.Popen(
            ['sh', '-c', 'exec "$@" 3<&0 4>&1 </dev/null >/dev/null', 'sh', program] + flags, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)
        self._bytes, self._last, self._session, self.events = b'', 0, None, []
        try:
            target = self.call('Target.createTarget', url='about:blank')['targetId']
            self._session = self.call('Target.attachToTarget', targetId=target, flatten=True)['sessionId']
            for domain in ('Page', 'Runtime', 'Log', 'Network'):
                self.call(domain + '.enable')
        except BaseException:
            self.close()
            raise

    def close(self):
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.communicate()

    def _message(self, deadline):
        """The next message of the browser."""
        while b'\0' not in self._bytes:
            ready, _, _ = select.select([self._process.stdout], [], [], max(0, deadline - time.monotonic()))
            assert ready, 'the browser has not answered within %d s' % LIMIT
            more = os.read(self._process.stdout.fileno(), 2 ** 16)
            assert more, 'the browser has ended'
            self._bytes += more
        message, _, self._bytes = self._bytes.partition(b'\0')
        return json.loads(message.decode('utf-8'))

    def call(self, method, **params):
        """The result of a command of the protocol; events that arrive before it are kept."""
        self._last += 1
        message = {'id': self._last, 'method': method, 'params': params}
        if self._session:
            message['sessionId'] = self._session
        self._process.stdin.write(json.dumps(message).encode() + b'\0')
        self._process.stdin.flush()
        deadline = time.monotonic() + LIMIT
        while True:
            answer = self._message(deadline)
            if answer.get('id') == self._last:
                assert 'error' not in answer, (method, answer.get('error'))
                return answer['result']
            self.events.append(answer)

    def look(self, width, scheme, height=800):
        """A window of this width in CSS pixels, in the light or the dark look."""
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': scheme}])

    def open(self, path):
        """Load a file and wait until its scripts have run."""
        self.events.clear()
        self.url = path.as_uri()
        self.call('Page.navigate', url=self.url)
        self.wait('document.readyState === "complete" && location.href === %s' % json.dumps(self.url))

    def js(self, expression):
        """The value of an expression in the page."""
        result = self.call('Runtime.evaluate', expression=expression, returnByValue=True)
        assert 'exceptionDetails' not in result, result
        return result['result'].get('value')

    def wait(self, expression):
        """Wait until an expression is true."""
        deadline = time.monotonic() + LIMIT
        while not self.js('!!(%s)' % expression):
            assert time.monotonic() < deadline, '%s is still not true' % expression
            time.sleep(0.02)

    def type(self, name, text):
        """Replace what stands in a field, as a reader would."""
        self.js('document.getElementById(%s).select(), document.getElementById(%s).focus()' % ((json.dumps(name),) * 2))
        if text:
            self.call('Input.insertText', text=text)
        else:
            self.js('document.execCommand("delete")')

    def press(self, key):
        code = {'windowsVirtualKeyCode': KEYS[key], 'key': key, 'code': key}
        self.call('Input.dispatchKeyEvent', type='keyDown', **dict(code, **({'text': '\r'} if key == 'Enter' else {})))
        self.call('Input.dispatchKeyEvent', type='keyUp', **code)

    def point(self, place):
        """Move the mouse to the middle of an element, or to a point `[x, y]` in the window; both are JavaScript."""
        x, y = self.js('(one => { if (Array.isArray(one)) return one; one.scrollIntoView({block: "center"}); const r = '
                       'one.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })(%s)' % place)
        self.call('Input.dispatchMouseEvent', type='mouseMoved', x=x, y=y)

    def complaints(self):
        """What the console has of errors and warnings, exceptions, and requests for anything but the file itself."""
        self.js('0')                                        # so that what was sent before is here
        found = []
        for event in self.events:
            method, params = event.get('method'), event.get('params', {})
            if (method == 'Runtime.exceptionThrown' or
                    method == 'Runtime.consoleAPICalled' and params['type'] in ('error', 'warning', 'assert') or
                    method == 'Log.entryAdded' and params['entry']['level'] in ('error', 'warning') or
                    method == 'Network.requestWillBeSent' and params['request']['url'] != self.url):
                found.append(params)
        return found
