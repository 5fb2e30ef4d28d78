import { parseArgs, type ParseArgsConfig } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;
type Command<Given extends Options> = {
  /** Its first line says how it is called. */
  usage: string;
  options: Given;
  /** Options that take a whole number. */
  numbers?: readonly (keyof Given & string)[];
  /** What may be named without an option; not given: anything. */
  names?: readonly string[];
};

/** Reads what a command was called with. `--help` is answered with the usage and 0; what does not fit with a sentence, the usage and 1, before anything is done. */
export function readCommand<const Given extends Options>({ usage, options, numbers = [], names }: Command<Given>, args: readonly string[] = process.argv.slice(2)) {
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`${usage}\n`);
    process.exit(0);
  }
  const given = (() => {
    try {
      return parseArgs({ args: [...args], options, allowPositionals: true });
    } catch (error) {
      // Node's advice behind it is about arguments that begin with a dash, which no command here takes.
      return misused(`${error instanceof Error ? error.message.split('. To specify')[0] : String(error)}.`.replace(/\.+$/, '.'), usage);
    }
  })();
  const numeric = given.values as Readonly<Record<string, string | undefined>>;
  const wrong = numbers.find((name) => !/^\d{1,15}$/.test(numeric[name] ?? '0'));
  if (wrong !== undefined) misused(`--${wrong} takes a whole number.`, usage);
  const stranger = names && given.positionals.find((name) => !names.includes(name));
  if (stranger !== undefined) misused(`There is no ${stranger} here${names?.length ? `, only ${names.join(', ')}` : ''}.`, usage);
  return given;
}

/** Ends a command that was called in a way that it does not know. */
export function misused(sentence: string, usage: string): never {
  process.stderr.write(`${sentence}\n${usage}\n`);
  process.exit(1);
}
