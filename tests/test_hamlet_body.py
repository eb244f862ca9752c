"""The body of the Hamlet etext."""

import hashlib

import pytest

from rnnbook.hamlet import FIRST_LINES, LAST_LINE, hamlet_body

BODY = FIRST_LINES + '. Scoena Prima.\n\n  Ham. Words of our own.\n\n' + LAST_LINE


@pytest.mark.parametrize('text', [
    BODY,
    'The Tragedie of Hamlet\n\nby William Shakespeare\n\n' + BODY + '\n\nEnd of this etext\n',
    'A header\r\n\r\n' + BODY.replace('\n', '\r\n') + '\r\n',
    LAST_LINE + ' quoted in a header\n' + BODY,
], ids=['bare', 'header and footer', 'crlf', 'last line before the first'])
def test_body_is_cut_out(text):
    assert hamlet_body(text) == BODY


@pytest.mark.parametrize('text', ['', 'Some other play', FIRST_LINES + ' and no end', 'no start ' + LAST_LINE,
                                  LAST_LINE + '\n' + FIRST_LINES])
def test_no_body(text):
    assert hamlet_body(text) is None


def test_real_body_is_golden(hamlet_path, golden):
    with open(hamlet_path, encoding='utf-8', newline='') as file:
        text = file.read()
    assert hamlet_body('Header\r\n\r\n' + text.replace('\n', '\r\n') + '\r\nfooter') == text
    assert len(text) == golden['hamlet']['characters'] and len(set(text)) == golden['hamlet']['unique']
    assert hashlib.sha256(text.encode('utf-8')).hexdigest() == golden['hamlet']['text_sha256']
