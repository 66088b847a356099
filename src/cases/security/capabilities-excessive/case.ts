import { defineCase } from '../../../diagnose/case.ts';

export const definition = defineCase({
  id: 'security/capabilities-excessive',
  title: { en: 'It holds capabilities that it does not use', 'zh-CN': '拥有用不到的 capability' },
  symptoms: [],
  questions: ['isolated'],
  namespaces: ['user'],
  controllers: [],
  instruments: ['capabilities'],
  needs: ['init', 'isolation'],
  mayUse: ['processes', 'traced'],
  coveredBy: ['security/privileged'],
  references: [
    'security/commoncap.c: cap_capable, and its tracepoint since Linux 6.14',
    'security/commoncap.c: cap_bprm_creds_from_file (what an exec gives)',
    'include/uapi/linux/capability.h',
  ],
});
