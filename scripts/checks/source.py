"""A reader of C files that is just good enough for the checks: comments and strings blanked out,
functions, file-scope variables and includes with their lines. It knows this tree's style (kernel
braces, clang-format), not all of C.
"""
import re

BLANKED = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
DIRECTIVE = re.compile(r'^[ \t]*#(?:\\\n|[^\n])*', re.M)
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"\n]+)[>"]', re.M)
ATTRIBUTE = re.compile(r'(?:__attribute__|__declspec|_Alignas|alignas|__rte_aligned|__typeof__)\s*\(')
BRANCH = re.compile(r'\b(?:if|for|while|switch|do|\w*for_each\w*|TAILQ_FOREACH\w*|'
                    r'RTE_LCORE_FOREACH\w*)\b|\?')
IDENTIFIER = re.compile(r'[A-Za-z_]\w*')


class Function:
    def __init__(self, name, static, first, last, parameters, branches, body):
        self.name, self.static, self.first, self.last = name, static, first, last
        self.parameters, self.branches, self.body = parameters, branches, body
        self.lines = last - first + 1


class Prototype:
    def __init__(self, name, line, parameters):
        self.name, self.line, self.parameters = name, line, parameters


class Variable:
    def __init__(self, name, line, const, extern):
        self.name, self.line, self.const, self.extern = name, line, const, extern


class Source:
    def __init__(self):
        self.includes = []    # (line, name, quoted)
        self.comments = []    # (line, text)
        self.code = ""        # comments and the insides of strings blanked
        self.functions = []
        self.prototypes = []
        self.variables = []


def _blank(text):
    return re.sub(r'[^\n]', ' ', text)


def _blank_string(text):
    if text[0] == '/':
        return _blank(text)
    return text[0] + _blank(text[1:-1]) + text[-1]


def _closing(text, opening):
    """Index of the parenthesis that closes the one at `opening`, or the end."""
    depth = 0
    for match in re.compile(r'[()]').finditer(text, opening):
        depth += 1 if match.group() == '(' else -1
        if depth == 0:
            return match.start()
    return len(text) - 1


def _without_attributes(text):
    while True:
        match = ATTRIBUTE.search(text)
        if not match:
            return text
        end = _closing(text, match.end() - 1)
        text = text[:match.start()] + _blank(text[match.start():end + 1]) + text[end + 1:]


def _commas(text):
    depth = count = 0
    for character in text:
        if character in '([{':
            depth += 1
        elif character in ')]}':
            depth -= 1
        elif character == ',' and depth == 0:
            count += 1
    return count


def _signature(head):
    """(name, parameter count) of a declarator with parameters, or None."""
    head = _without_attributes(head)
    opening = head.find('(')
    if opening < 0 or '=' in head[:opening]:
        return None
    inner = re.match(r'\(\s*\*\s*(\w+)\s*(\()?', head[opening:])
    if inner and not inner.group(2):
        return None  # a pointer to a function: a variable
    if inner:
        name, opening = inner.group(1), opening + inner.end() - 1
    else:
        before = IDENTIFIER.findall(head[:opening])
        if not before:
            return None
        name = before[-1]
    inside = head[opening + 1:_closing(head, opening)].strip()
    return name, 0 if inside in ('', 'void') else _commas(inside) + 1


def _variable(head, line):
    declared = _without_attributes(head).split('=', 1)[0]
    pointer = re.match(r'[^(]*\(\s*\*\s*(?:const\s+)?(\w+)\s*[)[]', declared)
    if '(' in declared and not pointer:
        return None
    words = IDENTIFIER.findall(declared.split('[', 1)[0])
    if not words or words[0] in ('typedef', 'static', '_Static_assert', 'static_assert'):
        return None
    name = pointer.group(1) if pointer else words[-1]
    plain = [w for w in words if w not in ('extern', 'const', 'volatile', '_Thread_local', '__thread')]
    if not pointer and (len(plain) < 2 or (plain[0] in ('struct', 'union', 'enum') and len(plain) < 3)):
        return None
    after_star = declared.rsplit('*', 1)[-1] if '*' in declared else declared
    return Variable(name, line, 'const' in IDENTIFIER.findall(after_star), words[0] == 'extern')


def _scan(flat, source):
    depth, start, brace, head = 0, 0, 0, ""
    line_of = _Lines(flat)
    for match in re.finditer(r'[{};]', flat):
        mark, at = match.group(), match.start()
        if mark == '{':
            if depth == 0:
                brace, head = at, flat[start:at]
            depth += 1
        elif mark == '}':
            depth -= 1
            if depth == 0 and _function(flat, source, line_of, start, brace, at):
                start = at + 1
        elif depth == 0:
            _declaration(flat[start:at], source, line_of(start + _lead(flat[start:at])))
            start = at + 1
    return depth == 0


class _Lines:
    def __init__(self, text):
        self.starts = [0] + [m.end() for m in re.finditer('\n', text)]

    def __call__(self, offset):
        import bisect
        return bisect.bisect_right(self.starts, offset)


def _lead(text):
    return len(text) - len(text.lstrip())


def _function(flat, source, line_of, start, brace, end):
    head = flat[start:brace]
    stripped = _without_attributes(head).rstrip()
    if not stripped.endswith(')'):
        return False
    signature = _signature(head)
    if not signature:
        return False
    body = flat[brace:end + 1]
    branches = len(BRANCH.findall(body)) - len(re.findall(r'\bdo\b', body))
    source.functions.append(Function(
        signature[0], bool(re.search(r'\bstatic\b', head)), line_of(start + _lead(head)),
        line_of(end), signature[1], branches, body))
    return True


def _declaration(chunk, source, line):
    head = re.sub(r'\{.*\}', ' ', chunk, flags=re.S) if '=' not in chunk.split('{', 1)[0] \
        else chunk.split('=', 1)[0]
    words = IDENTIFIER.findall(head)
    if not words or words[0] == 'typedef':
        return
    variable = _variable(head, line)
    if variable:
        source.variables.append(variable)
        return
    signature = _signature(head)
    if signature and words[0] not in ('_Static_assert', 'static_assert') and len(words) > 1:
        source.prototypes.append(Prototype(signature[0], line, signature[1]))


def parse(text):
    source = Source()
    line_of = _Lines(text)
    for match in BLANKED.finditer(text):
        if match.group()[0] == '/':
            source.comments.append((line_of(match.start()), match.group()))
    plain = BLANKED.sub(lambda m: _blank_string(m.group()), text)
    commentless = BLANKED.sub(
        lambda m: _blank(m.group()) if m.group()[0] == '/' else m.group(), text)
    for match in INCLUDE.finditer(commentless):
        source.includes.append((line_of(match.start()), match.group(2), match.group(1) == '"'))
    source.code = plain
    flat = DIRECTIVE.sub(lambda m: _blank(m.group()), plain)
    if not _scan(flat, source):
        # Braces that open in two branches of an #if: read the first branch only.
        source.functions, source.prototypes, source.variables = [], [], []
        first = re.sub(r'^[ \t]*#[ \t]*(?:else|elif)\b.*?^[ \t]*#[ \t]*endif[^\n]*',
                       lambda m: _blank(m.group()), plain, flags=re.S | re.M)
        _scan(DIRECTIVE.sub(lambda m: _blank(m.group()), first), source)
    return source
