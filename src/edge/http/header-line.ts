/** What a value may hold (RFC 9110 section 5.5): a line end in it would begin a header of its own. */
const UNCLEAN = /[^\t\x20-\x7e\x80-\xff]/

/**
 * One header, with the end of its line. Throws where the value could end the line: whatever let it
 * come so far is a bug.
 */
export const headerLine = (name: string, value: string): string => {
  if (UNCLEAN.test(value)) throw new Error(`not the value of a header: ${name}`)
  return `${name}: ${value}\r\n`
}
