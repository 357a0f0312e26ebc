import { describe, expect, test } from '@jest/globals'
import { html } from '../../src/edge/http/html.ts'
import { reportPage } from '../../src/edge/reports/page.ts'
import { htmlFaults } from '../support/html-check.ts'

const page = (body: string): string =>
  reportPage({ title: 'A report', lead: 'Of what.', body: { markup: body }, footer: 'By whom.' })

const TABLE =
  '<table><caption>c</caption><thead><tr><th scope="col">a</th></tr></thead><tbody><tr><td>b</td></tr></tbody></table>'

describe('the check of pages', () => {
  test('finds nothing in a page that is fine', () => {
    const text = html`<h2>${'a < b & "c"'}</h2>`.markup
    expect(htmlFaults(page(`<section>${text}${TABLE}<p>one<br>two</p></section>`))).toEqual([])
  })

  test.each([
    ['an element that is left open', '<p>a'],
    ['elements that cross', '<p><strong>a</p></strong>'],
    ['an attribute twice', '<p class="a" class="b">a</p>'],
    ['an attribute without quotes', '<p class=a>a</p>'],
    ['a bare ampersand', '<p>a & b</p>'],
    ['a bare angle', '<p>a < b</p>'],
    ['a block in a paragraph', '<p><ul><li>a</li></ul></p>'],
    ['a list of something else', '<ul><p>a</p></ul>'],
    ['a row outside a table', '<tr><td>a</td></tr>'],
    ['a table without a caption', TABLE.replace('<caption>c</caption>', '')],
    ['a header without scope', TABLE.replace(' scope="col"', '')],
    ['details without a summary', '<details><p>a</p></details>'],
    ['a term without a description', '<dl><dt>a</dt></dl>'],
    ['a picture without a name', '<svg viewBox="0 0 1 1"><rect width="1" height="1"/></svg>'],
    ['a heading that skips a level', '<h2>a</h2><h4>b</h4>'],
    ['an empty heading', '<h2></h2>'],
    ['an id twice', '<p id="a">a</p><p id="a">b</p>'],
    ['a link to nowhere', '<p><a href="#b">b</a></p>'],
    ['a script', '<p><script>1</script></p>'],
    ['a style of its own', '<p style="color:red">a</p>'],
    ['something from elsewhere', '<p><a href="https://example.com/">a</a></p>'],
    ['an element that does not exist', '<p><blink>a</blink></p>'],
  ])('finds %s', (_name, body) => {
    expect(htmlFaults(page(body))).not.toEqual([])
  })
})
