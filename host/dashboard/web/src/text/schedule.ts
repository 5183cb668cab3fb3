// When something runs by itself, in plain words. Invariant: pure.
import type { Schedule } from '../api/types';
import { exact, span } from './time';

/** The rule in words; cron expressions that are not everyday ones stay as they are. */
export function scheduleText(schedule: Schedule): string {
  switch (schedule.kind) {
    case 'manual':
      return 'only when asked';
    case 'interval':
      return `every ${everyText(schedule.every_ms)}`;
    case 'once':
      return `once, ${exact(schedule.at)}`;
    case 'cron':
      return `${cronText(schedule.expression)}${schedule.time_zone ? ` (${schedule.time_zone})` : ''}`;
  }
}

const WHOLE: Readonly<Record<number, string>> = {
  1_000: 'second', 60_000: 'minute', 3_600_000: 'hour', 86_400_000: 'day',
};

/** What comes after `every` or `per`: `hour`, `15 min`. */
export const everyText = (milliseconds: number): string => WHOLE[milliseconds] ?? span(milliseconds);

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];

/** An everyday cron expression in words; any other as it is. */
export function cronText(expression: string): string {
  const fields = expression.trim().split(/\s+/);
  if (fields.length !== 5) return expression;
  const [minute = '', hour = '', day = '', month = '', weekday = ''] = fields;
  if (month !== '*') return expression;
  if (day === '*' && weekday === '*') {
    if (minute === '*' && hour === '*') return 'every minute';
    const step = /^\*\/(\d+)$/.exec(minute);
    if (step && hour === '*') return `every ${step[1]} minutes`;
    if (isNumber(minute) && hour === '*') return `every hour at minute ${Number(minute)}`;
    const hours = /^\*\/(\d+)$/.exec(hour);
    if (isNumber(minute) && hours) return `every ${hours[1]} hours at minute ${Number(minute)}`;
  }
  if (!isNumber(minute) || !isNumber(hour)) return expression;
  const time = `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`;
  if (day === '*' && weekday === '*') return `every day at ${time}`;
  if (day === '*' && /^(1-5|MON-FRI)$/i.test(weekday)) return `Monday to Friday at ${time}`;
  if (day === '*' && isNumber(weekday)) return `every ${DAYS[Number(weekday)] ?? weekday} at ${time}`;
  if (isNumber(day) && weekday === '*') return `on day ${Number(day)} of each month at ${time}`;
  return expression;
}

const isNumber = (text: string): boolean => /^\d{1,2}$/.test(text);
