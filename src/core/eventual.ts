/** What is known already, or will be: the commonest answers need nobody to be waited for. */
export type Eventual<Value> = Value | Promise<Value>

/** Goes on at once where the value is known, else when it is. */
export const thenAt = <Value, Next>(
  value: Eventual<Value>,
  next: (known: Value) => Eventual<Next>,
): Eventual<Next> => (value instanceof Promise ? after(value, next) : next(value))

const after = async <Value, Next>(
  value: Promise<Value>,
  next: (known: Value) => Eventual<Next>,
): Promise<Next> => await next(await value)
