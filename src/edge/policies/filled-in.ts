/** What `migrate translate` leaves open begins so; nothing that begins so is taken for a name. */
export const isFilledIn = (written: string): boolean => !written.startsWith('TODO')

export const NOT_FILLED_IN = 'is still a TODO. Write what it asks for'
