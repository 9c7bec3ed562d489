// VitePress's theme with the fonts of the system, and a home page whose contents are in the main landmark.
import { Content } from 'vitepress';
import Theme, { VPHomeContent, VPHomeHero } from 'vitepress/theme-without-fonts';
import { h } from 'vue';
import './style.css';

const FrontPage = () => h('main', { class: 'front-page' }, [h(VPHomeHero), h(VPHomeContent, () => h(Content))]);

export default { extends: Theme, enhanceApp: ({ app }) => app.component('front-page', FrontPage) };
