import assert from "node:assert/strict";
import test from "node:test";
import type { Json } from "@drover/model";
import { parseExact } from "../exact-json.ts";
import { renderTemplate } from "./render.ts";

const JOB = parseExact(
  '{"ID":"web","Version":3,"Stop":false,"Meta":{"b":"2","a":"1"},"Time":1795396246571093913,' +
    '"Groups":[{"Name":"api","Count":3},{"Name":"db","Count":0}],"None":null}',
);

function rendered(text: string, value: Json = JOB): string {
  return renderTemplate(text, value, "*api.Job");
}

function refusal(text: string): string {
  try {
    return `rendered: ${rendered(text)}`;
  } catch (error) {
    assert.equal((error as Error).name, "TemplateError");
    return (error as Error).message;
  }
}

test("fields, variables and nested fields print their values", () => {
  assert.equal(rendered("{{.ID}} v{{.Version}} {{.Time}}"), "web v3 1795396246571093913");
  assert.equal(rendered("{{.Meta.a}}{{$.ID}}{{$x := .Version}}-{{$x}}"), "1web-3");
  assert.equal(rendered("{{.Meta}} {{.None}} {{.Stop}}"), "map[a:1 b:2] <nil> false");
});

test("a range goes over lists in order and over maps by key", () => {
  assert.equal(rendered("{{range .Groups}}{{.Name}},{{end}}"), "api,db,");
  assert.equal(rendered("{{range $i, $g := .Groups}}{{$i}}={{$g.Name}} {{end}}"), "0=api 1=db ");
  assert.equal(rendered("{{range $k, $v := .Meta}}{{$k}}{{$v}}{{end}}"), "a1b2");
  assert.equal(rendered("{{range .None}}x{{else}}none{{end}}"), "none");
});

test("conditions take empty values as false", () => {
  const text = "{{range .Groups}}{{if .Count}}{{.Name}}{{else}}no{{end}} {{end}}";
  assert.equal(rendered(text), "api no ");
  assert.equal(rendered("{{if .Stop}}a{{else if .Version}}b{{else}}c{{end}}"), "b");
  assert.equal(rendered("{{with .Meta}}{{.a}}{{end}}{{with .None}}x{{end}}"), "1");
});

test("functions take the piped value last", () => {
  assert.equal(rendered('{{.ID | printf "%-5s|"}}'), "web  |");
  assert.equal(rendered('{{printf "%q %03d" .ID .Version}}'), '"web" 003');
  assert.equal(
    rendered("{{len .Groups}} {{index .Meta `b`}} {{(index .Groups 1).Name}}"),
    "2 2 db",
  );
  assert.equal(rendered('{{if and (eq .ID "web" ) (gt .Version 2)}}y{{end}}'), "y");
  assert.equal(rendered("{{and .None true}} {{or .None .ID}} {{not .Stop}}"), "<nil> web true");
});

test("dashes take the blanks beside an action and comments print nothing", () => {
  assert.equal(rendered("a  {{- .ID -}}  b{{/* no */}}"), "awebb");
  assert.equal(rendered('{{"}}"}}'), "}}");
});

test("blocks may be left, skipped, named and called", () => {
  assert.equal(rendered("{{range .Groups}}{{.Name}}{{break}}{{end}}"), "api");
  assert.equal(
    rendered("{{range .Groups}}{{if eq .Count 3}}{{continue}}{{end}}{{.Name}}{{end}}"),
    "db",
  );
  assert.equal(rendered('{{define "x"}}[{{.}}]{{end}}{{template "x" .ID}}'), "[web]");
  assert.equal(rendered('{{block "z" .ID}}<{{.}}>{{end}}'), "<web>");
  assert.equal(rendered("{{with .None}}a{{else with .ID}}{{.}}{{end}}"), "web");
  assert.equal(rendered('{{$x := .ID}}{{if .ID}}{{$x = "b"}}{{end}}{{$x}}'), "b");
  assert.equal(
    rendered("{{range 3}}{{.}}{{end}}{{range $i, $e := .Groups}}{{$i}}{{end}}"),
    "01201",
  );
});

test("what a map does not have prints as no value, and what decides is looked at alone", () => {
  assert.equal(rendered("{{.Meta.nope}}|{{index .Meta `nope`}}|{{.None}}"), "<no value>||<nil>");
  assert.equal(rendered("{{if and .None .None.Name}}a{{else}}b{{end}}{{or .ID .None.X}}"), "bweb");
});

test("functions do what Go's do", () => {
  assert.equal(rendered("{{slice .ID 1 2}} {{slice .Groups 1 | len}} {{index .ID 0}}"), "e 1 119");
  assert.equal(
    rendered('{{html "<a>"}} {{js "\'x\'"}} {{urlquery "a b"}}'),
    "&lt;a&gt; \\'x\\' a+b",
  );
  assert.equal(rendered("{{print 1 2 .ID}}{{println .ID 1}}"), "1 2webweb 1\n");
  assert.equal(
    rendered('{{printf "%5.2f|%-8s|%8s|%v|%x|%t|%05d" 0.5 .ID .ID .Meta .ID .Stop .Version}}'),
    " 0.50|web     |     web|map[a:1 b:2]|776562|false|00003",
  );
  assert.equal(
    rendered('{{printf "%d" .ID}} {{printf "%d %d" 3}} {{printf "%s" 3}} {{printf "" 3}}'),
    "%!d(string=web) 3 %!d(MISSING) %!s(int=3) %!(EXTRA int=3)",
  );
  assert.equal(
    rendered("{{1.5}} {{0x10}} {{1e3}} {{'a'}} {{\"\\t\\u00e9\"}}"),
    "1.5 16 1000 97 \t\u00e9",
  );
});

/** As Go's own engine words them. */
const REFUSED: readonly (readonly [template: string, message: string])[] = [
  ["{{.Nope", "1: unclosed action"],
  ["{{.ID}", "1: bad character U+007D '}'"],
  ['{{ "abc }}', "1: unterminated quoted string"],
  ["{{ `abc }}", "1: unterminated raw quoted string"],
  ["{{/* a }}", "1: unclosed comment"],
  ["{{if .ID}}x", "1: unexpected EOF"],
  ["{{if}}x{{end}}", "1: missing value for if"],
  ["{{}}", "1: missing value for command"],
  ["{{| .ID}}", '1: unexpected "|" in command'],
  ["{{.ID,}}", '1: unexpected "," in operand'],
  ["{{.ID)}}", "1: unexpected right paren"],
  ["{{(.ID}}", "1: unclosed left paren"],
  ["{{.ID.}}", "1: unexpected <.> in operand"],
  ["{{end}}", "1: unexpected {{end}}"],
  ["{{if .ID}}{{else}}{{else}}{{end}}", "1: expected end; found {{else}}"],
  ["{{break}}", "1: {{break}} outside {{range}}"],
  ["{{if .ID}}{{nope}}{{end}}", '1: function "nope" not defined'],
  ["{{.ID | nope}}", '1: function "nope" not defined'],
  ["{{$y}}", '1: undefined variable "$y"'],
  ["{{range $i := .Groups}}{{end}}{{$i}}", '1: undefined variable "$i"'],
  ["{{range $a,$b,$c := .Groups}}{{end}}", "1: too many declarations in range"],
  ["x\n {{.Nope}}", at("2:3", ".Nope", "can't evaluate field Nope in type *api.Job")],
  ["{{.id}}", at("1:2", ".id", "can't evaluate field id in type *api.Job")],
  ["{{.ID.Nope}}", at("1:5", ".ID.Nope", "can't evaluate field Nope in type string")],
  ["{{.ID 3}}", at("1:2", ".ID", "ID has arguments but cannot be invoked as function")],
  ["{{3 4}}", at("1:2", "3", "can't give argument to non-function 3")],
  ["{{nil}}", at("1:2", "nil", "nil is not a command")],
  ["{{range .ID}}x{{end}}", at("1:8", ".ID", "range can't iterate over web")],
  ['{{template "y"}}', at("1:11", '{{template "y"}}', 'template "y" not defined')],
  ["{{not}}", at("1:2", "not", "wrong number of args for not: want 1 got 0")],
  ["{{and}}", at("1:2", "and", "wrong number of args for and: want at least 1 got 0")],
  ["{{index .Groups 5}}", called("index .Groups 5", "index", "index out of range: 5")],
  ["{{len .None}}", called("len .None", "len", "len of nil pointer")],
  ["{{eq .ID}}", called("eq .ID", "eq", "missing argument for comparison")],
  [
    "{{.ID | lt 3}}",
    at("1:8", "lt 3", "error calling lt: incompatible types for comparison: int and string"),
  ],
];

function at(place: string, source: string, reason: string): string {
  return `${place}: executing "" at <${source}>: ${reason}`;
}

function called(source: string, name: string, reason: string): string {
  return at("1:2", source, `error calling ${name}: ${reason}`);
}

test("what cannot be rendered says where, as Go does", () => {
  for (const [template, message] of REFUSED) {
    assert.equal(refusal(template), `template: :${message}`, template);
  }
});

test("the elements of a list are of its type", () => {
  const text = "{{range .}}{{.Nope}}{{end}}";
  const said = "can't evaluate field Nope in type *api.Job";
  assert.throws(
    () => renderTemplate(text, [JOB], "[]*api.Job"),
    new RegExp(said.replace("*", "\\*")),
  );
});
