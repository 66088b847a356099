import type { EchoAnswer } from '../../linux/net/echo.ts';
import type { LinkAnswer, ProbeResult } from '../../observe/reach/path.ts';

/** One kind of packet that a probe sent, and what came of it. */
export interface Probed {
  readonly sent: string;
  readonly came: string;
  /** stop: it shows a fault. note: worth knowing. unknown: it decides nothing. */
  readonly state: 'ok' | 'stop' | 'note' | 'unknown';
}

/** In the order in which they were announced. */
export function probedLines({
  tcp,
  milliseconds,
  sent = [],
  echoes = [],
  questions = [],
}: ProbeResult): readonly Probed[] {
  const lines = [
    {
      came: `${tcp} within ${milliseconds} ms`,
      state: tcp === 'connected' ? ('ok' as const) : ('stop' as const),
    },
    ...(echoes.length === 0 ? [] : [judgeEchoes(echoes)]),
    ...(questions.length === 0 ? [] : [judgeAnswers(questions)]),
  ];
  return lines.flatMap((line, index) => (sent[index] === undefined ? [] : [{ sent: sent[index], ...line }]));
}

function judgeEchoes(echoes: readonly EchoAnswer[]): Omit<Probed, 'sent'> {
  const came = echoes
    .map(
      ({ bytes, answer, mtu }) => `${bytes} bytes: ${answer}${mtu === null ? '' : `, the path takes ${mtu}`}`,
    )
    .join('; ');
  const [small, large] = echoes;
  if (small?.answer !== 'answered')
    return { came: `${came}. It says nothing: many do not answer ping`, state: 'unknown' };
  if (large === undefined || large.answer === 'answered') return { came, state: 'ok' };
  if (large.answer === 'EMSGSIZE')
    return { came: `${came}. A router said so, which is as it should be`, state: 'note' };
  return { came: `${came}. Large packets vanish without a word`, state: 'stop' };
}

function judgeAnswers(answers: readonly LinkAnswer[]): Omit<Probed, 'sent'> {
  const isTwice = answers.some(({ own, macs }) => macs.length > (own ? 0 : 1));
  const came = answers
    .map(({ address, own, macs }) => {
      const who = macs.length === 0 ? (own ? 'nobody else' : 'nobody answers') : macs.join(' and ');
      return `${address}${own ? ' (its own)' : ''}: ${who}`;
    })
    .join('; ');
  return { came, state: isTwice ? 'stop' : 'ok' };
}
