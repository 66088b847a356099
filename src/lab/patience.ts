/**
 * By how much every time limit of a lab is longer here: GLASSBOX_PATIENCE, which our virtual machine sets, because on an
 * emulated processor everything takes many times as long.
 */
export const patient = (milliseconds: number): number => milliseconds * factor;

const wanted = Number(process.env.GLASSBOX_PATIENCE);
const factor = wanted >= 1 ? wanted : 1;
